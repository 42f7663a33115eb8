"""What every operation, strategy, network and degradation promises, to be called by the tests of whoever adds one.

    from hnas.conformance import OPERATION_PROMISES

    @pytest.mark.parametrize("promise", OPERATION_PROMISES)
    def test_my_operation(promise):
        promise("my_operation")

Each is a function of the part's registered name, and raises AssertionError where the promise is not kept. The
project's own parts are held to the same functions by its tests.
"""

from hnas.conformance.degradations import PROMISES as DEGRADATION_PROMISES
from hnas.conformance.models import PROMISES as MODEL_PROMISES
from hnas.conformance.operations import PROMISES as OPERATION_PROMISES
from hnas.conformance.strategies import PROMISES as STRATEGY_PROMISES

__all__ = ["DEGRADATION_PROMISES", "MODEL_PROMISES", "OPERATION_PROMISES", "STRATEGY_PROMISES"]
