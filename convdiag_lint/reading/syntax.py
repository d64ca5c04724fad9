"""Code as the analysis needs it: a tree without white space, punctuation and parents.

Nodes are small, compared by identity, and refer to no parser's object, so that a parsed tree can be
let go as soon as it has been read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Span = tuple[int, int]
"""Start and end of a node as character offsets into the module's text."""
NOWHERE: Span = (0, 0)


@dataclass(slots=True, eq=False)
class Expr:
    """Any expression."""


@dataclass(slots=True, eq=False)
class Name(Expr):
    """A bare name."""

    id: str


@dataclass(slots=True, eq=False)
class Literal(Expr):
    """A number, a string, True, False, None or Ellipsis."""

    value: object


@dataclass(slots=True, eq=False)
class Attribute(Expr):
    """`base.name`."""

    base: Expr
    name: str


@dataclass(slots=True, eq=False)
class Call(Expr):
    """A call; a keyword of None is `**mapping`, a Starred argument is `*items`."""

    func: Expr
    args: list[Expr]
    keywords: list[tuple[str | None, Expr]]
    span: Span


@dataclass(slots=True, eq=False)
class Operation(Expr):
    """An arithmetic or bitwise operator with one or two operands, by its symbol."""

    op: str
    operands: list[Expr]


@dataclass(slots=True, eq=False)
class Logic(Expr):
    """`and`, `or` or `not`."""

    op: str
    operands: list[Expr]


@dataclass(slots=True, eq=False)
class Comparison(Expr):
    """A chain of comparisons: one operator fewer than operands."""

    ops: list[str]
    operands: list[Expr]


@dataclass(slots=True, eq=False)
class Subscript(Expr):
    """`base[index]`; several indices are a Sequence, a slice is a Slice."""

    base: Expr
    index: Expr


@dataclass(slots=True, eq=False)
class Slice(Expr):
    """`lower:upper:step`."""

    lower: Expr | None
    upper: Expr | None
    step: Expr | None


@dataclass(slots=True, eq=False)
class Sequence(Expr):
    """A tuple, list or set display."""

    kind: str
    items: list[Expr]


@dataclass(slots=True, eq=False)
class Mapping(Expr):
    """A dict display; a key of None is `**mapping`."""

    items: list[tuple[Expr | None, Expr]]


@dataclass(slots=True, eq=False)
class Conditional(Expr):
    """`then if test else other`."""

    test: Expr
    then: Expr
    other: Expr


@dataclass(slots=True, eq=False)
class Lambda(Expr):
    """An anonymous function."""

    function: Function


@dataclass(slots=True, eq=False)
class Comprehension(Expr):
    """A list, set or dict comprehension or a generator expression."""

    kind: str
    item: Expr
    clauses: list[tuple[Expr, Expr, list[Expr]]]
    """Target, iterable and conditions of each `for`."""


@dataclass(slots=True, eq=False)
class Starred(Expr):
    """`*value`."""

    value: Expr


@dataclass(slots=True, eq=False)
class Format(Expr):
    """An f-string's interpolated values."""

    parts: list[Expr]


@dataclass(slots=True, eq=False)
class Suspend(Expr):
    """`await`, `yield` or `yield from`."""

    kind: str
    value: Expr | None


@dataclass(slots=True, eq=False)
class Walrus(Expr):
    """`target := value`."""

    target: Expr
    value: Expr


@dataclass(slots=True, eq=False)
class Stmt:
    """Any statement."""

    span: Span


@dataclass(slots=True, eq=False)
class Assign(Stmt):
    """`a = b = value`, also annotated."""

    targets: list[Expr]
    value: Expr | None
    annotation: Expr | None = None


@dataclass(slots=True, eq=False)
class Update(Stmt):
    """`target op= value`."""

    target: Expr
    op: str
    value: Expr


@dataclass(slots=True, eq=False)
class Evaluate(Stmt):
    """An expression for its effect."""

    value: Expr


@dataclass(slots=True, eq=False)
class Return(Stmt):
    """`return value`."""

    value: Expr | None


@dataclass(slots=True, eq=False)
class Leave(Stmt):
    """`break`, `continue`, `pass` or `raise`, by name."""

    kind: str
    value: Expr | None = None


@dataclass(slots=True, eq=False)
class Assert(Stmt):
    """`assert test, message`."""

    test: Expr
    message: Expr | None


@dataclass(slots=True, eq=False)
class Delete(Stmt):
    """`del a, b`."""

    targets: list[Expr]


@dataclass(slots=True, eq=False)
class If(Stmt):
    """`if`, and each case of `match` as one."""

    test: Expr
    body: list[Stmt]
    orelse: list[Stmt]


@dataclass(slots=True, eq=False)
class For(Stmt):
    """`for target in iterable`."""

    target: Expr
    iterable: Expr
    body: list[Stmt]
    orelse: list[Stmt]


@dataclass(slots=True, eq=False)
class While(Stmt):
    """`while test`."""

    test: Expr
    body: list[Stmt]
    orelse: list[Stmt]


@dataclass(slots=True, eq=False)
class With(Stmt):
    """`with context as target, ...`."""

    items: list[tuple[Expr, Expr | None]]
    body: list[Stmt]


@dataclass(slots=True, eq=False)
class Try(Stmt):
    """`try` with its handlers; names bound by `except` stay unknown."""

    body: list[Stmt]
    handlers: list[list[Stmt]]
    orelse: list[Stmt]
    final: list[Stmt]


@dataclass(slots=True, eq=False)
class Import(Stmt):
    """`import a.b as c` and `from a import b as c`, one binding each."""

    bindings: list[tuple[str, str, str | None]]
    """Local name, module (leading dots for relative), name inside it or None for the module."""


@dataclass(slots=True, eq=False)
class Define(Stmt):
    """`def` and `class`."""

    definition: Function | Class


@dataclass(slots=True, eq=False)
class Parameter:
    """One parameter of a function."""

    name: str
    kind: str
    """`positional`, `keyword`, `*` or `**`."""
    default: Expr | None = None
    annotation: Expr | None = None


@dataclass(slots=True, eq=False)
class Function:
    """A function, method, lambda, or the module level."""

    name: str
    scope: str
    """Dotted path inside the module, as in a finding: `Class.method`, `outer.inner`, `<module>`."""
    module: Module
    parameters: list[Parameter] = field(default_factory=list)
    body: list[Stmt] = field(default_factory=list)
    decorators: list[Expr] = field(default_factory=list)
    owner: Class | None = None
    outer: Function | None = None
    span: Span = NOWHERE
    words: set[str] = field(default_factory=set)
    """Names and attributes that occur in the body, nested functions included."""
    globals: set[str] = field(default_factory=set)
    returns: Expr | None = None
    """The annotation of the result."""
    generator: bool = False

    def __repr__(self) -> str:
        return f"{self.module.path}:{self.scope}"


@dataclass(slots=True, eq=False)
class Class:
    """A class: its bases, methods, and the fields of its body."""

    name: str
    scope: str
    module: Module
    bases: list[Expr] = field(default_factory=list)
    body: list[Stmt] = field(default_factory=list)
    decorators: list[Expr] = field(default_factory=list)
    methods: dict[str, Function] = field(default_factory=dict)
    fields: dict[str, tuple[Expr | None, Expr | None]] = field(default_factory=dict)
    """Name to annotation and default."""
    writers: dict[str, list[Function]] = field(default_factory=dict)
    """Attribute to the methods that assign `self.attribute`."""
    outer: Function | None = None
    span: Span = NOWHERE

    def __repr__(self) -> str:
        return f"{self.module.path}:{self.scope}"


@dataclass(slots=True, eq=False)
class Module:
    """One file."""

    path: str
    text: str
    main: Function = field(init=False)
    """The module level."""
    functions: list[Function] = field(default_factory=list)
    """All functions, nested ones and methods included, in source order; no lambdas."""
    classes: list[Class] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.main = Function("<module>", "<module>", self)
