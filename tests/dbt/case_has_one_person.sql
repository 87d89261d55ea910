-- Rule 4: a case belongs to one person.
{{ config(enabled=(project_name == 'seedbed')) }}

select
    case_sk,
    count(distinct person_sk) as persons
from {{ ref('fact') }}
group by case_sk
having count(distinct person_sk) > 1
