from workbench.testing import parametrize_with_checks


@parametrize_with_checks(["dataset/cluttered-digits"])
def test_contract(check):
    check()
