from workbench.testing import parametrize_with_checks


@parametrize_with_checks(["network/skorch-cnn"])
def test_contract(check):
    check()
