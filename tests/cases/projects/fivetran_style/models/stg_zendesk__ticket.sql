select * from {{ var('ticket') }}
