/*---
grain       = "one row per standard and service"
description = """
`status`: pass, fail, not_applicable, or exempt: what fails, and is let off until `until_on` because dx.toml says so, or
because the standard or the service is new. One that has expired counts again."""
---*/
with exempted as (
    select
        verdicts.standard,
        verdicts.service_id,
        max(exemptions.until_on) as until_on,
        arg_max(exemptions.reason, exemptions.until_on) as reason,
    from core.standard_verdicts as verdicts
    inner join core.services as services on verdicts.service_id = services.service_id
    inner join core.standard_exemptions as exemptions
        on
            verdicts.standard = exemptions.standard
            and regexp_matches(services.service, exemptions.service_pattern)
    inner join core.today as today on exemptions.until_on > today.today_on
    group by verdicts.standard, verdicts.service_id
),

placed as (
    select
        verdicts.standard,
        verdicts.standard_title,
        verdicts.tier,
        verdicts.weight,
        verdicts.remedy,
        verdicts.service_id,
        services.service,
        services.team,
        services.repository,
        verdicts.status,
        verdicts.detail,
        case when verdicts.status = 'fail' then verdicts.failing_since end as failing_since,
        exempted.until_on as exempted_until_on,
        exempted.reason,
        case
            when verdicts.grace_days > 0
                then
                    greatest(
                        verdicts.since_on,
                        cast(
                            services.created_at at time zone getvariable('reporting_zone') as date
                        )
                    ) + cast(verdicts.grace_days as integer)
        end as grace_until_on,
        today.today_on,
        today.starts_at,
    from core.standard_verdicts as verdicts
    inner join core.services as services on verdicts.service_id = services.service_id
    cross join core.today as today
    left join exempted
        on
            verdicts.standard = exempted.standard
            and verdicts.service_id = exempted.service_id
),

decided as (
    select
        placed.*,
        placed.status = 'fail' and placed.exempted_until_on is not null as is_exempted,
        placed.status = 'fail' and coalesce(placed.grace_until_on > placed.today_on, false)
            as is_in_grace,
    from placed
)

select
    decided.standard,
    decided.standard_title,
    decided.tier,
    decided.weight,
    decided.remedy,
    decided.service_id,
    decided.service,
    decided.team,
    decided.repository,
    case when decided.is_exempted or decided.is_in_grace then 'exempt' else decided.status end
        as status,
    decided.detail,
    case
        when decided.is_exempted then decided.reason
        when decided.is_in_grace then 'new'
    end as reason,
    case
        when decided.is_exempted then decided.exempted_until_on
        when decided.is_in_grace then decided.grace_until_on
    end as until_on,
    decided.failing_since,
    decided.today_on
    - cast(decided.failing_since at time zone getvariable('reporting_zone') as date)
        as days_failing,
    decided.starts_at,
from decided
