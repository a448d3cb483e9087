-- The application may not rewrite history: append-only tables take no UPDATE or DELETE, save the columns that the
-- closer stamps. Retention and migrations run as the owner.
GRANT USAGE ON SCHEMA cell, hub, directory, public TO recoup_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA cell, hub, directory TO recoup_app;
GRANT SELECT ON schema_migrations TO recoup_app, recoup_read;
REVOKE INSERT ON world, archived_orders FROM recoup_app;
GRANT UPDATE (beat, beat_at) ON world TO recoup_app;
GRANT UPDATE ON cells, cell_mark, hub_mark TO recoup_app;
GRANT UPDATE ON merchants, sites, campaigns, api_keys, tokenization_keys, requests, order_heads, payers, order_payer, order_search,
  attempts, modifications, challenges, cards, network_sends, card_blocks, vault, stored_methods, account_balances, exposure_limits,
  exposure_allotments, customer_exposure, advances, operator_exposure, closers, endpoints, lanes, due_work,
  signing_keys, partners, partner_keys, partner_merchants, handovers, mails, contact_addresses, notice_settings, settlements, wallets, payouts,
  subscriptions, settlement_clocks, adjustments, bank_accounts, bank_payouts, reconciliation_clocks, uploads, upload_rows, exports,
  rescue_watches, uplift_reports, card_results, charges, imports, import_rows, imported_attempts, certificate_clocks
  TO recoup_app;
GRANT UPDATE ON order_states TO recoup_app;
GRANT UPDATE (token_id, card_id, pan_id, expires_at, cards_before, do_not_retry, metadata, facts) ON orders
  TO recoup_app;
GRANT UPDATE (note, state, said, done_count, refused_count, stop_requested_at, finished_at) ON bulk_acts TO recoup_app;
GRANT UPDATE (state, answer) ON bulk_act_rows TO recoup_app;
GRANT UPDATE (text) ON order_notes, order_words, dispute_notes TO recoup_app;
GRANT UPDATE (name, sha256, sealed) ON dispute_files TO recoup_app;
GRANT UPDATE (answer) ON delivery_tries TO recoup_app;
GRANT UPDATE (lifted_by, lifted_at) ON blocks TO recoup_app;
GRANT UPDATE (balance_after) ON entries TO recoup_app;
GRANT UPDATE (facts, outcome, updated_at) ON transmissions TO recoup_app;
GRANT UPDATE (state, reason, evidence, decided_by, decided_at) ON card_joins TO recoup_app;
GRANT UPDATE (lines, counts, notes, period_from, period_to, file_name) ON reconciliation_runs TO recoup_app;
GRANT UPDATE (booked_at, booked_by, note) ON reconciliation_lines TO recoup_app;
GRANT UPDATE ON disputes, dispute_notices, monitoring_months TO recoup_app;
GRANT UPDATE (saved_as, made_at, until, failed, report, payment_count, askers) ON backtests TO recoup_app;
GRANT DELETE ON backtests TO recoup_app;
GRANT DELETE ON export_parts, import_lines, import_rows, imported_attempts TO recoup_app;
GRANT DELETE ON contacts, key_checks, modifications_queue, outbox_queue, postings_queue, due_work, lanes, cvv_once, refresh_tokens, seen_signatures TO recoup_app;
GRANT UPDATE, DELETE ON webhook_key_overlaps TO recoup_app;
GRANT UPDATE ON replays, partner_closers, partner_reached TO recoup_app;
GRANT UPDATE ON applications, go_live_requests, upkeep TO recoup_app;
GRANT UPDATE ON refund_limits, refund_people, refund_requests, reveals TO recoup_app;
GRANT UPDATE ON payer_looks, issuer_answers, issuers, fact_clocks TO recoup_app;
GRANT DELETE ON application_documents TO recoup_app;
GRANT UPDATE (notified_at) ON partner_alerts TO recoup_app;
GRANT UPDATE (reached_at) ON clock_moves TO recoup_app;
GRANT UPDATE, DELETE ON key_endings, key_listeners TO recoup_app;
GRANT UPDATE (sealed) ON application_documents TO recoup_app;
GRANT UPDATE (retiring) ON key_checks TO recoup_app;
GRANT UPDATE, DELETE ON live_marks, damaged_pages TO recoup_app;
GRANT UPDATE (ended_by, ended_at) ON engine_stops, card_route_stops, sending_stops TO recoup_app;
GRANT UPDATE ON card_routes, card_route_hours, processor_connections TO recoup_app;
GRANT UPDATE ON processor_notices, processor_notice_counts, unread_notice_kinds, processor_invoices, card_updates TO recoup_app;
GRANT UPDATE ON policy_sends TO recoup_app;
-- Doors read as a role that may write nothing; tables and partitions that are made later are for it to read, too.
GRANT USAGE ON SCHEMA cell, hub, directory, public TO recoup_read;
GRANT SELECT ON ALL TABLES IN SCHEMA cell, hub, directory TO recoup_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA cell, hub, directory GRANT SELECT ON TABLES TO recoup_read;
