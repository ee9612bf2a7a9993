"""The parameters of the oracle are those of the settings."""

from datetime import date, time

from config.settings import Settings, load
from foule.oracle.oracle import Parameters
from foule.oracle.parameters import DAY, MINUTE, SECOND
from tests.oracle.cases import TEN


def test_parameters_are_those_of_the_settings() -> None:
    assert Parameters.of(Settings()) == Parameters()
    changed = {
        "FOULE_TIME__ZONE": "Asia/Shanghai",
        "FOULE_TIME__DAY_START": "00:30",
        "FOULE_TIME__WINDOWS": '["15m"]',
        "FOULE_TIME__LINGER": "32d",
        "FOULE_TIME__EPOCH_START": "2015-08-01",
        "FOULE_EVENTS__MAX_SKEW": "1s",
        "FOULE_EVENTS__NOT_AFTER": "2014-06-28T10:00:00+02:00",
        "FOULE_EVENTS__SUBSCRIBER": "user",
    }
    parameters = Parameters.of(load(None, changed))
    assert (parameters.zone, parameters.day_start, parameters.widths) == (
        "Asia/Shanghai",
        time(0, 30),
        (15 * MINUTE,),
    )
    assert (parameters.linger, parameters.epoch_start) == (32 * DAY, date(2015, 8, 1))
    assert (parameters.max_skew, parameters.not_after, parameters.not_before) == (SECOND, TEN, None)
    assert parameters.fields.subscriber == "user" and parameters.fields.cell == "cell"
