-- Why an endpoint is switched off is a code; its sentence is made where it is read. There are few endpoints.
UPDATE endpoints SET why = CASE
    WHEN why = 'Switched off by the merchant.' THEN 'by_merchant'
    WHEN why = 'The receiver answered 410 Gone.' THEN 'gone'
    ELSE regexp_replace(why, '^Nothing was taken for (\d+) days\.$', 'nothing_taken:\1') END
WHERE why IN ('Switched off by the merchant.', 'The receiver answered 410 Gone.')
  OR why ~ '^Nothing was taken for \d+ days\.$';
