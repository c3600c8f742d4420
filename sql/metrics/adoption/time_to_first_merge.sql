/*---
title     = "Time to first merged change"
question  = "How long does somebody who joins take to their first merged change?"
unit      = "hours"
better    = "lower"
aggregate = "recovery"
measure   = "hours"
entity    = "newcomer"
minimum_n = 5
source    = "CNCF platforms paper, time to first code change of a new user"
caveat    = """
From midnight of the first day in a team. Those who are not there yet count as waiting (Kaplan-Meier), and
so do those who write no code. Fewer than five have no number, nor a team that fewer than five joined: it
would tell of persons."""
decision  = "Long: look at access, setup and a first task, in this order; ask the last to join."
---*/
select
    coalesce(newcomers.first_merged_at, newcomers.joined_at) as occurred_at,
    newcomers.team,
    strftime(newcomers.joined_at, '%Y-%m') as entity_id,
    newcomers.joined_at as started_at,
    newcomers.first_merged_at as ended_at,
    newcomers.first_merged_at is null as is_open,
    (epoch_us(newcomers.first_merged_at) - epoch_us(newcomers.joined_at)) / 3.6e9 as hours,
    newcomers.is_few,
    case when newcomers.first_merged_at < newcomers.joined_at then 'began_before_joining' end
        as excluded_because,
from core.newcomers as newcomers
