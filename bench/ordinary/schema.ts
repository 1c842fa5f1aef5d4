/** The tables of the ordinary way: accounts with their balances, transactions by key, entries. */

export const ORDINARY_SCHEMA = `
CREATE TABLE account (
  id          int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  merchant    int4 NOT NULL,
  name        text NOT NULL,
  currency    text NOT NULL,
  min_balance int8,                         -- null: no limit
  debits      int8 NOT NULL DEFAULT 0,
  credits     int8 NOT NULL DEFAULT 0,
  UNIQUE (merchant, name)
) WITH (fillfactor = 70);                   -- updates stay on the page, off the indexes

CREATE TABLE transaction (
  id              int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  merchant        int4 NOT NULL,
  idempotency_key text NOT NULL,
  fingerprint     bytea NOT NULL,
  legs            jsonb NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  UNIQUE (merchant, idempotency_key)
);

CREATE TABLE entry (
  account     int8 NOT NULL REFERENCES account,
  transaction int8 NOT NULL REFERENCES transaction,
  debit       int8 NOT NULL,
  credit      int8 NOT NULL,
  balance     int8 NOT NULL,                -- after it: credits less debits
  PRIMARY KEY (account, transaction)
);
`;
