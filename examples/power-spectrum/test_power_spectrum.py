from workbench.testing import parametrize_with_checks


@parametrize_with_checks(["extractor/power-spectrum"])
def test_contract(check):
    check()
