"""Shares of accounts: who uses one right now, and what all who use it must know. One statement.

A process says once a second that it uses its accounts and hears in the same round trip how many do
and how each account is. Times are durations on the way in and out, counted by the server's clock,
so that clocks of workers need not agree. Rows of processes that stopped are ignored by their age
and swept away when a process starts.
"""

from collections.abc import Sequence

from trunkline.adapters.postgres.tables import Tables
from trunkline.model.budgets import AccountReport, SharedAccount
from trunkline.model.limits import SHARE_SILENCE_S

_EXCHANGE = """
WITH reported AS (
    SELECT * FROM unnest(
        %(account)s::text[], %(pause_s)s::float8[], %(breaker)s::text[], %(hold_s)s::float8[],
        %(reason)s::text[], %(failures)s::integer[]
    ) AS r (account, pause_s, breaker, hold_s, reason, failures)
    ORDER BY 1
), present AS (
    INSERT INTO account_shares (account, process, seen_at)
    SELECT account, %(process)s, now() FROM reported
    ON CONFLICT (account, process) DO UPDATE SET seen_at = now()
), stored AS (
    INSERT INTO accounts AS a (account, paused_until, breaker, breaker_until, reason, failures)
    SELECT account, now() + make_interval(secs => pause_s),
        CASE breaker WHEN 'opened' THEN 'open' ELSE 'closed' END,
        CASE breaker WHEN 'opened' THEN now() + make_interval(secs => hold_s) END,
        reason, failures
    FROM reported WHERE pause_s > 0 OR breaker <> ''
    ON CONFLICT (account) DO UPDATE SET
        paused_until = GREATEST(a.paused_until, excluded.paused_until),
        (breaker, breaker_until, reason, failures, changed_at) = (
            SELECT
                CASE r.breaker WHEN 'opened' THEN 'open' WHEN 'closed' THEN 'closed'
                    ELSE a.breaker END,
                CASE r.breaker WHEN 'opened' THEN GREATEST(a.breaker_until, excluded.breaker_until)
                    WHEN 'closed' THEN NULL ELSE a.breaker_until END,
                CASE WHEN r.breaker = 'opened' AND a.breaker = 'closed' THEN r.reason
                    ELSE a.reason END,
                CASE WHEN r.breaker = 'opened' AND a.breaker = 'closed' THEN r.failures
                    ELSE a.failures END,
                now()
            FROM reported r WHERE r.account = a.account
        )
    RETURNING account, paused_until, breaker, breaker_until, reason, failures
), known AS (
    SELECT account, paused_until, breaker, breaker_until, reason, failures FROM stored
    UNION ALL
    SELECT account, paused_until, breaker, breaker_until, reason, failures FROM accounts
    WHERE account IN (SELECT account FROM reported WHERE pause_s <= 0 AND breaker = '')
), others AS (
    SELECT account, count(*) AS count, count(*) FILTER (WHERE process < %(process)s) AS rank
    FROM account_shares
    WHERE account IN (SELECT account FROM reported) AND process <> %(process)s
        AND seen_at > now() - make_interval(secs => %(silence_s)s)
    GROUP BY account
)
SELECT r.account, 1 + COALESCE(o.count, 0) AS processes, COALESCE(o.rank, 0) AS rank,
    GREATEST(0, COALESCE(EXTRACT(EPOCH FROM k.paused_until - now()), 0)) AS pause_s,
    COALESCE(k.breaker = 'open', false) AS is_open,
    GREATEST(0, COALESCE(EXTRACT(EPOCH FROM k.breaker_until - now()), 0)) AS hold_s,
    COALESCE(k.reason, '') AS reason, COALESCE(k.failures, 0) AS failures
FROM reported r LEFT JOIN known k USING (account) LEFT JOIN others o USING (account)
"""


class BudgetTables(Tables):
    """The Budgets port."""

    async def exchange_accounts(
        self, process: str, reports: Sequence[AccountReport]
    ) -> tuple[SharedAccount, ...]:
        """Say that the process uses these accounts and what it found out; hear how they are."""
        columns = {
            name: [getattr(report, name) for report in reports]
            for name in ("account", "pause_s", "breaker", "hold_s", "reason", "failures")
        }
        values = {**columns, "process": process, "silence_s": SHARE_SILENCE_S}
        rows = await self._listed(_EXCHANGE, values)
        return tuple(SharedAccount.model_validate(row) for row in rows)

    async def leave_accounts(self, process: str) -> None:
        """The process uses no account any more; forgets those who stopped without saying so."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "DELETE FROM account_shares "
                "WHERE process = %s OR seen_at < now() - interval '1 hour'",
                (process,),
            )
