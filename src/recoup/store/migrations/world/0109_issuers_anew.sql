-- Counted by merchants and exactly before; the worker counts them anew within the hour, by owners and in steps.
DELETE FROM issuers;
