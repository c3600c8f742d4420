/*---
grain       = "one row per id, account, login or address that stands for one person and no other, in lower case"
description = "What a record of any source may call a person by."
---*/
with accounts as (
    select
        accounts.source,
        accounts.ext_id as account,
        unnest([accounts.login, accounts.email]) as key,
    from landing.identities as accounts
    where accounts.deleted_at is null
),

keys as (
    select
        lower(identities.person_id) as key,
        identities.person_id,
    from core.identities as identities
    union
    select
        lower(identities.account) as key,
        identities.person_id,
    from core.identities as identities
    union
    select
        lower(accounts.key) as key,
        identities.person_id,
    from accounts
    inner join core.identities as identities
        on
            accounts.source = identities.source
            and accounts.account = identities.account
    where accounts.key is not null
)

select
    keys.key,
    min(keys.person_id) as person_id,
from keys
group by keys.key
having count(distinct keys.person_id) = 1
