ALTER TABLE password_asks RENAME asked_at TO requested_at;
