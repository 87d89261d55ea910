select order_id, line_no as line_number from {{ ref('known_lines') }}
