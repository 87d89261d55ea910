"""A small project with a column of every type, a history, driven facts and a hand-written seed."""

from pathlib import Path

from seedbed.plan.resolved import ResolvedPlan
from worlds import resolve_text, schema_from

WARDS = 'ward,floor\nCardiology,3\n"Ear, Nose",1\nZürich wing,\n'
PROPERTIES = """
seeds:
  - name: wards
    columns:
      - {name: ward, data_type: varchar, data_tests: [unique]}
      - {name: floor, data_type: integer}
  - name: patients
    columns:
      - {name: id, data_type: integer, data_tests: [unique]}
      - {name: code, data_type: varchar(12)}
      - {name: tag, data_type: uuid}
      - {name: born, data_type: date}
      - {name: "seen `at", data_type: timestamp}
      - {name: zoned, data_type: timestamptz}
      - {name: hour, data_type: time}
      - {name: weight, data_type: "decimal(9,3)"}
      - {name: score, data_type: double}
      - {name: steps, data_type: smallint}
      - {name: active, data_type: boolean}
      - {name: document, data_type: json}
      - name: ward
        data_type: varchar
        data_tests:
          - relationships: {arguments: {to: ref('wards'), field: ward}}
  - name: stays
    config:
      meta:
        seedbed:
          history:
            entity: patient_id
            state: status
            valid_from: valid_from
            valid_to: valid_to
            current: is_current
            transitions: {admitted: {treated: 0.9, left: 0.1}, treated: {admitted: 0.3, left: 0.7}}
            dwell: {admitted: 5d, treated: {lognormal: {median: 20d}}}
    columns:
      - {name: patient_id, data_type: integer}
      - {name: status, data_type: varchar}
      - {name: valid_from, data_type: timestamp}
      - {name: valid_to, data_type: timestamp}
      - {name: is_current, data_type: boolean}
  - name: visits
    columns:
      - {name: visit_id, data_type: bigint, data_tests: [unique]}
      - {name: patient_id, data_type: integer}
      - {name: fee, data_type: numeric}
  - name: nobody
    columns:
      - {name: id, data_type: integer}
"""
PLAN = """
tables:
  patients:
    rows: 300
    columns:
      id: sequence()
      code: pattern('P-{n:06}')
      tag: uuid()
      born: date('1930-01-01', '2008-12-31')
      "seen `at": timestamp('1960-01-01', '2025-01-01', null=0.2)
      zoned: timestamp('2020-01-01', '2025-01-01')
      hour: timestamp('2020-01-01', '2025-01-01')
      weight: uniform(3, 140, decimals=3)
      score: normal(0, 1, decimals=6)
      steps: integer(-32768, 32767)
      active: boolean(0.7)
      document: "constant('{\\"a\\": 1}')"
      ward: foreign_key('wards')
  stays:
    columns:
      patient_id: foreign_key('patients')
  visits:
    rows: per patients, poisson(mean=4)
    columns:
      visit_id: sequence()
      patient_id: foreign_key('patients')
      fee: lognormal(120, 0.6, decimals=2)
  nobody:
    rows: 0
    columns:
      id: sequence()
"""


def resolve_clinic(folder: Path) -> ResolvedPlan:
    """The project's plan, resolved."""
    schema = schema_from(folder, PROPERTIES, **{"seeds/wards.csv": WARDS})
    return resolve_text(schema, PLAN)
