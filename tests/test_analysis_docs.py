"""The pages about the analyses run as they stand, and list every claim as it is."""

import re
from pathlib import Path

import pytest

from distaff.analysis.claims.published import CLAIMS

FOLDER = Path(__file__).parent.parent / "docs" / "analysis"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.md")))
def test_the_examples_of_the_page_run(name, capsys):
    examples = re.findall(r"```python\n(.*?)```", (FOLDER / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, f"{name}.md", "exec"), {"__name__": name})
    assert capsys.readouterr().out


def test_the_page_of_claims_lists_every_claim_as_it_is():
    page = (FOLDER / "claims.md").read_text(encoding="utf-8")
    for claim in CLAIMS.values():
        assert f"| {claim.statement} | {claim.effect} | " in page
        assert f" | {claim.published} | {claim.source} |" in page
