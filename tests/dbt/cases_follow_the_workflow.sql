-- Rule 1: a case goes through several statuses, by the transition probabilities.
-- Guilty are the moves that the workflow does not have, and all cases if none of them ever moves.
{{ config(enabled=(project_name == 'seedbed')) }}

with workflow as (

    select 'received' as from_status, 'triaged' as to_status
    union all
    select 'received' as from_status, 'in progress' as to_status
    union all
    select 'received' as from_status, 'closed' as to_status
    union all
    select 'triaged' as from_status, 'in progress' as to_status
    union all
    select 'triaged' as from_status, 'awaiting information' as to_status
    union all
    select 'triaged' as from_status, 'closed' as to_status
    union all
    select 'in progress' as from_status, 'awaiting information' as to_status
    union all
    select 'in progress' as from_status, 'decided' as to_status
    union all
    select 'in progress' as from_status, 'closed' as to_status
    union all
    select 'awaiting information' as from_status, 'in progress' as to_status
    union all
    select 'awaiting information' as from_status, 'decided' as to_status
    union all
    select 'awaiting information' as from_status, 'closed' as to_status
    union all
    select 'decided' as from_status, 'closed' as to_status

),

moves as (

    select
        case_sk,
        case_status as from_status,
        lead(case_status) over (partition by case_sk order by start_date_sk) as to_status
    from {{ ref('case_status_dim') }}

)

select
    moves.case_sk,
    moves.from_status,
    moves.to_status
from moves
left join workflow
    on workflow.from_status = moves.from_status
    and workflow.to_status = moves.to_status
where moves.to_status is not null
    and workflow.from_status is null

union all

select
    case_sk,
    from_status,
    to_status
from moves
where not exists (select 1 from moves as others where others.to_status is not null)
