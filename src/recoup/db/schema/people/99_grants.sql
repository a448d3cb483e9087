GRANT USAGE ON SCHEMA public TO recoup_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO recoup_app;
REVOKE INSERT, UPDATE ON schema_migrations FROM recoup_app;
REVOKE UPDATE ON membership_log, account_log, failed_sign_ins FROM recoup_app;
REVOKE UPDATE ON impersonations FROM recoup_app;
GRANT UPDATE (ended_at, ended_how, ended_by_request) ON impersonations TO recoup_app;
GRANT DELETE ON key_checks, sessions, signin_failures, memberships, saved_views, second_factors, recovery_codes, half_sign_ins,
  second_factor_rules, notifications, digests, unfinished_sign_ups, password_asks, password_links TO recoup_app;
-- Doors read as a role that may write nothing; tables and partitions that are made later are for it to read, too.
GRANT USAGE ON SCHEMA public TO recoup_read;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO recoup_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO recoup_read;
