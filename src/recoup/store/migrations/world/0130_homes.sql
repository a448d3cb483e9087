-- Each table, with its partitions, goes to the schema of its home (decision 54). Only the catalogue is written; rights,
-- owners, indexes and keys go along.
DO $$
DECLARE
  moved record;
BEGIN
  FOR moved IN
    SELECT name FROM unnest(ARRAY['cell', 'hub', 'directory']) AS name WHERE to_regnamespace(name) IS NULL
  LOOP
    EXECUTE format('CREATE SCHEMA %I', moved.name);  -- unless an administrator has, for an owner who may not
  END LOOP;
  FOR moved IN SELECT home, c.relname AS name FROM (VALUES
    ('hub', 'cards, card_prints, network_sends, card_blocks, partner_feed, partner_closers, partner_reached,
      partner_alerts'),
    ('directory', 'world, upkeep, key_checks, partners, partner_keys, partner_merchants, partner_log, heard_by_partners,
      api_keys, tokenization_keys, signing_keys, signatures_since, key_endings, key_listeners, endpoints,
      applications, application_log, application_documents, operator_exposure, issuers, engine_stops, models,
      model_choices, trainings'),
    ('cell', 'merchants, sites, handovers, fee_terms, switch_changes, campaigns, refresh_tokens, seen_signatures,
      go_live_requests, requests, order_refs, order_log, orders, order_heads, payers, order_payer, order_search,
      order_notes, order_words, blocks, person_log, exports, bulk_acts, bulk_act_rows, arm_settings, decisions,
      attempts, refunds, challenges, refund_limits, refund_people, refund_requests, reveals, settlements,
      exposure_limits, exposure_allotments, customer_exposure, advances, disputes, dispute_notes, dispute_files,
      dispute_terms, dispute_notices, payer_looks, issuer_answers, fact_clocks, vault, cvv_once, postings,
      entries, pages, account_balances, settlement_terms, settlement_clocks, settlement_batches, settlement_lines,
      adjustments, bank_accounts, bank_payouts, reconciliation_runs, reconciliation_lines, reconciliation_clocks,
      reconciliation_reports, wallets, payouts, outbox, feed, closers, webhook_key_overlaps, lanes, replays,
      delivery_tries, notice_settings, mails, alerts, rescue_watches, due_work, clock_moves, api_calls,
      api_call_gaps, audit_lines, subscriptions, transmissions, uploads, upload_rows')
  ) AS homes (home, tables), regexp_split_to_table(tables, ',\s+') AS one
  JOIN pg_class c ON c.relkind IN ('r', 'p', 'v') AND c.relnamespace = 'public'::regnamespace
    AND coalesce(pg_partition_root(c.oid), c.oid) = to_regclass('public.' || one)
  LOOP
    EXECUTE format('ALTER TABLE public.%I SET SCHEMA %I', moved.name, moved.home);
  END LOOP;
END $$;
ALTER DOMAIN public.lifecycle_row SET SCHEMA cell;
ALTER TYPE public.finished_lane SET SCHEMA cell;
ALTER TYPE public.admitted_order SET SCHEMA cell;
ALTER FUNCTION public.close_page SET SCHEMA cell;
ALTER FUNCTION public.feed_events SET SCHEMA cell;
ALTER FUNCTION public.finish_lanes SET SCHEMA cell;
ALTER FUNCTION public.open_lanes SET SCHEMA cell;
ALTER FUNCTION public.store_cards SET SCHEMA cell;
ALTER FUNCTION public.add_transmissions SET SCHEMA cell;
ALTER FUNCTION public.erase_orders SET SCHEMA cell;
ALTER FUNCTION public.erase_payer SET SCHEMA cell;
ALTER FUNCTION public.admit_orders SET SCHEMA cell;
ALTER FUNCTION public.write_changes SET SCHEMA cell;
ALTER FUNCTION public.feed_partner SET SCHEMA hub;
-- Partitions and tables that are made later are for recoup_read, too.
GRANT USAGE ON SCHEMA cell, hub, directory TO recoup_app, recoup_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA cell, hub, directory GRANT SELECT ON TABLES TO recoup_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM recoup_read;
