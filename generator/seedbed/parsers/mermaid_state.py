"""Reads a stateDiagram as a `Workflow`: one entity walking through flat states.

The rules by which a diagram becomes one walk:

- A state's name is its display name: `state "in progress" as x`, `x : in progress`, otherwise its id.
- A transition's label carries its probability (`seedbed.parsers.mermaid_share`). Unlabelled transitions of a
  state share what is left; they keep `probability=None`, except where a number is needed (below).
- `[*] --> X` makes X initial, `X --> [*]` terminal. A terminal state that also has transitions ends with what
  their probabilities leave; its unlabelled transitions get their numbers here, since the end takes a share.
- A choice is passed through: a way in times a way out. Forks and joins are passed through too, but one
  walk cannot be in two places: of a fork only the first branch is followed, of concurrent regions (`--`) only the
  first is read, each with a warning that names what is left out.
- A composite state is replaced by its inside. A transition into it goes to its initial states with their
  shares (to its first state when it has no `[*] -->`); a transition out of it leaves from the inner states that
  end (`inner --> [*]`), or from every inner state when none does. A state belongs where it is named first.
- Two transitions between the same states are one; their probabilities add up.
- A history state `[H]` is read as its composite state's beginning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from seedbed.errors import Diagnostic, Severity
from seedbed.parsers.mermaid_share import read_share
from seedbed.parsers.mermaid_state_text import Edge, Note, RegionBreak, Statement, StateMention, read_statements
from seedbed.parsers.mermaid_text import Diagram, error, in_order, warning
from seedbed.schema import Fact, Transition, Workflow

TOLERANCE = 1e-9
"""By how much a sum of probabilities may miss 1."""

ROOT = ""
Node = tuple[str, str]
"""A state by its id, or the start or end of a composite state: ("state", id), ("start", id), ("end", id)."""

_START, _END = ("start", ROOT), ("end", ROOT)
_HISTORY = frozenset({"[h]", "[h*]"})


@dataclass(frozen=True, slots=True)
class _Move:
    """A transition between nodes while the diagram is being flattened."""

    source: Node
    target: Node
    probability: float | None
    label: str
    line: int


def parse_state(diagram: Diagram) -> tuple[Workflow, list[Diagnostic]]:
    """The diagram as one workflow, and what could not be read or was read leniently."""
    diagnostics: list[Diagnostic] = []
    builder = _Builder(diagram, diagnostics)
    builder.collect(read_statements(diagram, diagnostics), ROOT)
    workflow = builder.build()
    return workflow, [*diagram.diagnostics, *in_order(diagnostics)]


@dataclass
class _Builder:
    diagram: Diagram
    diagnostics: list[Diagnostic]
    owners: dict[str, str] = field(default_factory=dict)
    """Each state's composite state, in order of appearance."""
    descriptions: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    stereotypes: dict[str, str] = field(default_factory=dict)
    composites: dict[str, int] = field(default_factory=dict)
    """The line of each composite state."""
    drawn: list[tuple[Edge, str]] = field(default_factory=list)
    """The edges, each with the composite state that it is written in."""

    notes: list[Note] = field(default_factory=list)
    left_behind: set[str] = field(default_factory=set)
    """States that only the branches reach that are not followed."""

    # what the diagram says

    def collect(self, statements: Sequence[Statement], scope: str) -> None:
        """Takes in the statements of one scope, and those inside its composite states."""
        region = next((i for i, found in enumerate(statements) if isinstance(found, RegionBreak)), len(statements))
        if region < len(statements):
            left_out = ", ".join(dict.fromkeys(_named(statements[region:]))) or "nothing"
            told = f"one walk cannot be in two regions at once: the first is followed, left out: {left_out}"
            self._warn(
                "concurrent-regions", told, statements[region].line, "draw the other region as a workflow of its own"
            )
        for statement in statements[:region]:
            match statement:
                case Edge():
                    for end in (statement.source, statement.target):
                        if end != "[*]" and end.lower() not in _HISTORY:
                            self.owners.setdefault(end, scope)
                    self.drawn.append((statement, scope))
                case Note():
                    self.notes.append(statement)
                case StateMention():
                    self._mention(statement, scope)

    def _mention(self, state: StateMention, scope: str) -> None:
        if state.id == "[*]" or state.id.lower() in _HISTORY:
            return
        self.owners.setdefault(state.id, scope)
        self.descriptions[state.id] += [(text, state.line) for text in state.descriptions]
        if state.stereotype:
            self.stereotypes[state.id] = state.stereotype
        if state.body is None:
            return
        if self._inside(scope, state.id):
            told = f"the state {state.id} stands inside itself"
            self.diagnostics.append(error(self.diagram, "state-inside-itself", told, state.line))
            return
        known = set(self.owners)
        self.collect(state.body, state.id)
        if set(self.owners) - known or any(where == state.id for _, where in self.drawn):
            self.composites.setdefault(state.id, state.line)

    def _inside(self, scope: str, outer: str) -> bool:
        """Whether `scope` is `outer` or lies somewhere in it."""
        seen = set()
        while scope != ROOT and scope not in seen:
            if scope == outer:
                return True
            seen.add(scope)
            scope = self.owners.get(scope, ROOT)
        return False

    # from drawn edges to moves between nodes

    def build(self) -> Workflow:
        """The workflow that the collected statements describe."""
        for note in self.notes:
            if note.id not in self.owners:
                self._warn("note-beside-nothing", f"the note stands beside {note.id}, which is no state", note.line)
        moves = self._merged([move for edge, scope in self.drawn for move in self._moves(edge, scope)], drawn=True)
        moves = self._with_starts(moves)
        moves = self._from_inside(moves)
        self._check_sums(moves)
        moves = self._one_branch(moves)
        for node in self._passed_through():
            moves = self._without(node, moves)
        moves = self._begun(_numbered_ends(self._merged(moves, drawn=False)))
        reached = _reached(moves)
        states = [
            state
            for state in self.owners
            if state not in self.composites
            and state not in self.stereotypes
            and (("state", state) in reached or state not in self.left_behind)
        ]
        names = self._names(states)
        known = {("state", state): name for state, name in names.items()}
        kept = [move for move in moves if move.source in known]
        initial = tuple((known[m.target], m.probability) for m in moves if m.source == _START and m.target in known)
        if states and not initial:
            self._warn("no-initial-state", "the diagram does not say where it begins; expected [*] --> state", 1)
        return Workflow(
            name=self.diagram.name,
            states=tuple(names.values()),
            initial=initial,
            transitions=tuple(
                Transition(
                    known[m.source], known[m.target], m.probability, m.label or None, self.diagram.location(m.line)
                )
                for m in kept
                if m.target in known
            ),
            terminal=tuple(dict.fromkeys(known[move.source] for move in kept if move.target == _END)),
            origin=self.diagram.location(1),
            notes=tuple(
                Fact(f"{names.get(note.id, note.id)}: {note.text}", self.diagram.location(note.line))
                for note in self.notes
                if note.text
            ),
        )

    def _moves(self, edge: Edge, scope: str) -> Iterable[_Move]:
        share = read_share(edge.label)
        if share.problem:
            severity = Severity.ERROR if share.kind == "out-of-range" else Severity.WARNING
            code = {"out-of-range": "probability-out-of-range", "not-read": "number-in-label"}.get(
                share.kind, "several-numbers"
            )
            place = self.diagram.location(edge.line)
            hint = "write the probability at the label's end, or p=0.3"
            self.diagnostics.append(Diagnostic(code, share.problem, place, severity, hint))
        source, target = self._node(edge.source, scope, "start"), self._node(edge.target, scope, "end")
        for end in (edge.source, edge.target):
            if end.lower() in _HISTORY:
                lost = source is None or target is None
                done = "the transition was left out" if lost else f"{end} was read as the state's beginning"
                self._warn("history-state", f"a walk does not remember where it left a state; {done}", edge.line)
        if source is None or target is None:
            return
        if (source, target) == (_START, _END):
            self._warn(
                "start-to-end", "a walk that ends where it begins has no state; the transition was left out", edge.line
            )
            return
        yield _Move(source, target, share.probability, share.text, edge.line)

    def _node(self, id: str, scope: str, role: str) -> Node | None:
        if id == "[*]":
            return role, scope
        if id.lower() in _HISTORY:
            return ("start", scope) if role == "end" and scope != ROOT else None
        if id in self.composites:
            return ("start" if role == "end" else "end"), id
        return "state", id

    def _with_starts(self, moves: list[_Move]) -> list[_Move]:
        """Adds a beginning to each composite state that has none: its first state."""
        begun = {move.source for move in moves}
        for composite, line in self.composites.items():
            first = next((state for state, owner in self.owners.items() if owner == composite), None)
            if ("start", composite) in begun or first is None:
                continue
            node: Node = ("start", first) if first in self.composites else ("state", first)
            moves = [*moves, _Move(("start", composite), node, None, "", line)]
            told = f"{composite} does not say where it begins; its first state {first} was taken"
            self._warn("composite-without-start", told, line, f"write [*] --> {first} in it")
        return moves

    def _from_inside(self, moves: list[_Move]) -> list[_Move]:
        """Lets a transition out of a composite state without an end leave from every state in it."""
        ended = {move.target for move in moves}
        result = []
        for move in moves:
            role, composite = move.source
            if role != "end" or move.source in ended:
                result.append(move)
                continue
            inner = (state for state in self.owners if state not in self.composites and state not in self.stereotypes)
            result += [replace(move, source=("state", state)) for state in inner if self._inside(state, composite)]
        return result

    def _one_branch(self, moves: list[_Move]) -> list[_Move]:
        """Keeps the first branch of each fork."""
        before, result = _reached(moves), list(moves)
        for fork in (state for state, kind in self.stereotypes.items() if kind == "fork"):
            branches = [move for move in result if move.source == ("state", fork)]
            if len(branches) < 2:
                continue
            first, *others = branches
            result = [
                replace(first, probability=None) if move is first else move for move in result if move not in others
            ]
            told = (
                f"one walk cannot take both ways out of the fork {fork}: {first.target[1]} is followed, "
                f"left out: {', '.join(move.target[1] for move in others)}"
            )
            self._warn("fork", told, others[0].line, "write the branches one after the other")
        self.left_behind = {id for role, id in before - _reached(result) if role == "state"}
        return result

    def _passed_through(self) -> list[Node]:
        nodes: list[Node] = [("state", state) for state in self.stereotypes]
        return nodes + [(role, composite) for composite in self.composites for role in ("start", "end")]

    def _without(self, node: Node, moves: list[_Move]) -> list[_Move]:
        """The moves with each way through `node` as one move; shares multiply."""
        into = [move for move in moves if move.target == node and move.source != node]
        out = [move for move in moves if move.source == node and move.target != node]
        loops = [move for move in moves if move.source == move.target == node]
        rest = [move for move in moves if node not in (move.source, move.target)]
        if loops:
            shares = _shares(loops + out)
            back = sum(shares[: len(loops)])
            out = [
                replace(move, probability=s / (1 - back) if back < 1 else 0.0)
                for move, s in zip(out, shares[len(loops) :], strict=True)
            ]
        if not out:
            if into and node[0] == "state":
                told = f"{self.stereotypes[node[1]]} {node[1]} has no way out; the walk ends there"
                self._warn("no-way-out", told, into[-1].line)
            return rest + [replace(move, target=_END) for move in into]
        shares = _shares(out)
        unlabelled = all(move.probability is None for move in out)
        result = []
        for way in into:
            siblings = [move for move in moves if move.source == way.source and move.probability is None]
            if way.probability is None and ((len(out) == 1 and shares[0] == 1) or (unlabelled and len(siblings) == 1)):
                result += [_through(way, move, None) for move in out]
            else:
                share = _share_of(way, moves)
                result += [_through(way, move, share * s) for move, s in zip(out, shares, strict=True)]
                # Its unlabelled siblings keep their share, which they would lose to the numbers given here.
                if way.probability is None:
                    rest = [replace(m, probability=share) if m in siblings else m for m in rest]
        return rest + result

    def _begun(self, moves: list[_Move]) -> list[_Move]:
        """The moves without those from the start to the end, through a choice; the other starts share their part."""
        lost = [move for move in moves if (move.source, move.target) == (_START, _END)]
        if not lost:
            return moves
        told = "a walk that ends where it begins has no state; the way was left out"
        self._warn("start-to-end", told, lost[0].line)
        starts = [move for move in moves if move.source == _START]
        whole = 1 - sum(share for move, share in zip(starts, _shares(starts), strict=True) if move in lost)
        return [
            replace(move, probability=move.probability / whole)
            if move.source == _START and move.probability is not None and whole > 0
            else move
            for move in moves
            if move not in lost
        ]

    # sums, duplicates and names

    def _merged(self, moves: list[_Move], drawn: bool) -> list[_Move]:
        """One move per pair of nodes."""
        pairs: dict[tuple[Node, Node], list[_Move]] = defaultdict(list)
        for move in moves:
            pairs[move.source, move.target].append(move)
        result = []
        for (source, target), same in pairs.items():
            if len(same) == 1:
                result += same
                continue
            probability = None
            if not (drawn and all(move.probability is None for move in same)):
                around = [move for move in moves if move.source == source]
                probability = sum(s for move, s in zip(around, _shares(around), strict=True) if move.target == target)
            label = " / ".join(dict.fromkeys(move.label for move in same if move.label))
            result.append(replace(same[0], probability=probability, label=label))
            if drawn:
                told = f"{len(same)} transitions from {source[1] or '[*]'} to {target[1] or '[*]'} were read as one"
                place = self.diagram.location(same[-1].line)
                self.diagnostics.append(Diagnostic("same-transition", told, place, Severity.NOTE))
        return result

    def _check_sums(self, moves: list[_Move]) -> None:
        by_source: dict[Node, list[_Move]] = defaultdict(list)
        for move in moves:
            by_source[move.source].append(move)
        for (_, id), ways in by_source.items():
            total = sum(move.probability or 0.0 for move in ways)
            told = f"the probabilities of the transitions from {id or '[*]'} add up to {total:.6g}"
            labelled = sum(move.probability is not None for move in ways)
            line = max(move.line for move in ways)
            if total > 1 + TOLERANCE:
                self.diagnostics.append(
                    error(self.diagram, "probabilities-above-one", f"{told}; expected at most 1", line)
                )
            elif labelled == len(ways) and total < 1 - TOLERANCE:
                self._warn(
                    "probabilities-below-one", f"{told}; expected 1", line, "leave one label away: it gets the rest"
                )
            elif labelled and labelled < len(ways) and total > 1 - TOLERANCE:
                self._warn("nothing-left", f"{told}, which leaves nothing for the unlabelled ones", line)

    def _names(self, states: Sequence[str]) -> dict[str, str]:
        names: dict[str, str] = {}
        for state in states:
            said = self.descriptions.get(state) or [(state, 0)]
            name, line = said[0]
            for text, place in said[1:]:
                told = f"{state} is called {name!r}; the further description {text!r} is not used"
                self.diagnostics.append(
                    Diagnostic("further-description", told, self.diagram.location(place), Severity.NOTE)
                )
            if name in names.values():
                told = f"two states are called {name!r}; this one was read as {name} ({state})"
                self._warn("same-state-name", told, line or 1, "give them different names")
                name = f"{name} ({state})"
            names[state] = name
        return names

    def _warn(self, code: str, message: str, line: int, hint: str | None = None) -> None:
        self.diagnostics.append(warning(self.diagram, code, message, line, hint=hint))


def _through(way_in: _Move, way_out: _Move, probability: float | None) -> _Move:
    label = " / ".join(filter(None, (way_in.label, way_out.label)))
    return _Move(way_in.source, way_out.target, probability, label, way_in.line)


def _shares(moves: Sequence[_Move]) -> list[float]:
    """The shares of all moves out of one node: unlabelled ones divide what the others leave."""
    unlabelled = sum(move.probability is None for move in moves)
    left = max(0.0, 1.0 - sum(move.probability or 0.0 for move in moves))
    return [left / unlabelled if move.probability is None else move.probability for move in moves]


def _share_of(way: _Move, moves: Iterable[_Move]) -> float:
    around = [move for move in moves if move.source == way.source]
    return next(share for move, share in zip(around, _shares(around), strict=True) if move is way)


def _numbered_ends(moves: list[_Move]) -> list[_Move]:
    """Gives numbers to the unlabelled moves of states that may also end, since the end takes a share of the rest."""
    by_source: dict[Node, list[_Move]] = defaultdict(list)
    for move in moves:
        by_source[move.source].append(move)
    result = []
    for ways in by_source.values():
        ends = len(ways) > 1 and any(move.target == _END for move in ways)
        result += [replace(m, probability=s) for m, s in zip(ways, _shares(ways), strict=True)] if ends else ways
    return result


def _reached(moves: Iterable[_Move]) -> set[Node]:
    """The nodes that a walk from the diagram's start comes to; a composite state's end follows its start."""
    following: dict[Node, list[Node]] = defaultdict(list)
    for move in moves:
        following[move.source].append(move.target)
    reached: set[Node] = set()
    ahead: list[Node] = [_START]
    while ahead:
        node = ahead.pop()
        if node not in reached:
            reached.add(node)
            ahead += following[node]
    return reached


def _named(statements: Iterable[Statement]) -> Iterable[str]:
    for statement in statements:
        if isinstance(statement, Edge):
            yield from (end for end in (statement.source, statement.target) if end != "[*]")
        elif isinstance(statement, StateMention):
            yield statement.id
            yield from _named(statement.body or ())
