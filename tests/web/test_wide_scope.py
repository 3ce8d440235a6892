"""A book so large that its accounts are not looked up one by one is read another way, and the rows are the same."""

from __future__ import annotations

import pytest

from laer.web.book.models import Account
from laer.web.book.scope import editable_accounts, editable_rows, scope_of, visible_accounts, visible_rows
from laer.web.runs import finding, passes, queries
from laer.web.runs.queries import Filters
from tests.cast import Cast, add_account, forget

pytestmark = pytest.mark.django_db(transaction=True)
WAYS = ({"sort": "-arr"}, {"sort": "name"}, {"sort": "owner_name"}, {"q": "a"}, {"filters": Filters(state="paying")}, {"filters": Filters(state="paying"), "sort": "contract_end_on"})


def test_the_rows_totals_and_facets_of_a_wide_scope(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(5):
        add_account(f"Almond {i}", cast.people["csm"], mrr=100 + i)
    add_account("Almond of somebody else", cast.people["lead"], mrr=5)
    passes.start_pass()

    def read() -> list[object]:
        forget()
        pages = [queries.account_list(cast.users["csm"], **way) for way in WAYS]  # type: ignore[arg-type]
        found = [card["account_id"] for card in finding.find_accounts(cast.users["csm"], "almond")]
        return [found, *((([row["account_id"] for row in page.rows]), page.totals, page.facets) for page in pages)]

    narrow = read()
    monkeypatch.setattr(queries, "SELECTIVE", 0)
    monkeypatch.setattr(finding, "SELECTIVE", 0)
    assert read() == narrow
    assert len(narrow[0]) == 5  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["admin", "lead", "csm", "viewer", "outsider"])
def test_a_condition_over_rows_says_what_the_list_of_accounts_says(cast: Cast, role: str) -> None:
    archived = add_account("Archived", cast.people["csm"])
    Account.objects.filter(pk=archived.pk).update(archived_at=archived.created_at)
    user = cast.users[role]
    seen = set(visible_accounts(user).values_list("pk", flat=True))
    assert set(Account.objects.filter(visible_rows(user, "pk")).values_list("pk", flat=True)) == seen
    assert set(Account.objects.filter(editable_rows(user, "pk")).values_list("pk", flat=True)) == set(editable_accounts(user).values_list("pk", flat=True))
    scope = scope_of(user)
    assert scope.everything or set(scope.account_ids) == seen
    assert archived.pk not in seen
