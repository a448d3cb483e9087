GRANT USAGE ON SCHEMA public TO recoup_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO recoup_app;
REVOKE UPDATE ON membership_log FROM recoup_app;
GRANT DELETE ON sessions, signin_failures, memberships, saved_views TO recoup_app;
