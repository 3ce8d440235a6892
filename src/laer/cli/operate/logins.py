"""`laer user`: logins, made by whoever has the machine. Nobody signs up."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from laer.cli import app
from laer.cli.book import fail, open_book

if TYPE_CHECKING:
    from laer.web.people.models import User

users = typer.Typer(no_args_is_help=True, help="Logins: create, list, password.")
app.add_typer(users, name="user")

PRINT = typer.Option("--print-password", help="make a strong password and print it once")
EMAIL = typer.Argument(help="the address that the login signs in with", show_default=False)


@users.command("create")
def create(
    email: Annotated[str, EMAIL],
    role: Annotated[str, typer.Option(help="admin, lead, finance, member or viewer")],
    name: Annotated[str, typer.Option(help="as pages show it")] = "",
    print_password: Annotated[bool, PRINT] = False,
) -> None:
    """Make a login. The password comes from standard input, or is asked for; with none given a strong one is made and printed once."""
    open_book()
    check_login(email, role)
    password, made = _password(print_password)
    create_login(email, password, role, name)
    typer.echo(f"{email.lower()} can log in as {role}")
    if made:
        typer.echo(f"password: {password}")


@users.command("list")
def show() -> None:
    """Every login with its role, name and state."""
    open_book()
    from laer.web.people.models import User

    rows = [("email", "role", "name", "state")]
    for user in User.objects.select_related("person").order_by("email"):
        person = getattr(user, "person", None)
        rows.append((user.email, user.role, person.name if person else "", "active" if user.is_active else "switched off"))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@users.command("password")
def password(email: Annotated[str, EMAIL], print_password: Annotated[bool, PRINT] = False) -> None:
    """Give a login another password. Its open sessions end."""
    open_book()
    from laer.web.people.models import User

    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        fail(f"no login {email!r}; there are: {', '.join(User.objects.order_by('email').values_list('email', flat=True)[:20]) or 'none'}")
        return
    new, made = _password(print_password)
    _check_password(new, user.email)
    user.set_password(new)  # the sessions carry a hash of the password
    user.save(update_fields=["password"])
    typer.echo(f"{user.email} has another password")
    if made:
        typer.echo(f"password: {new}")


def strong_password() -> str:
    """About 119 bits, without a sign that needs quoting or reads like another."""
    return "-".join("".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(6)) for _ in range(4))


def check_login(email: str, role: str) -> None:
    """Stop when there can be no such login."""
    from laer.web.people.logins import is_address
    from laer.web.people.models import Role, User

    if role not in Role.values:
        fail(f"no role {role!r}; the roles are {', '.join(Role.values)}")
    if not is_address(email):
        fail(f"{email!r} is not an e-mail address")
    if User.objects.filter(email__iexact=email).exists():
        fail(f"there is a login {email.lower()} already; its password is changed with `laer user password {email.lower()}`")


def create_login(email: str, password: str, role: str, name: str = "") -> User:
    """A login and its person, or stop with what is wrong."""
    from laer.web.people.logins import make_login

    check_login(email, role)
    _check_password(password, email)
    return make_login(email, password, role, name)


def _check_password(password: str, email: str) -> None:
    from laer.web.people.logins import weaknesses

    if weak := weaknesses(password, email):
        fail("the password is refused: " + " ".join(weak))


def _password(make: bool) -> tuple[str, bool]:
    """The password, and whether it was made here and must be shown."""
    if not make and sys.stdin is not None and sys.stdin.isatty():
        return typer.prompt("Password", hide_input=True, confirmation_prompt=True), False
    given = "" if make or sys.stdin is None else sys.stdin.readline().rstrip("\r\n")
    return (given, False) if given else (strong_password(), True)
