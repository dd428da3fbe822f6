"""A setting is a run without its seed: one id, one text, and no two runs of one setting and one seed."""

from dataclasses import replace

import pytest

from distaff.errors import DistaffError
from distaff.runs import Optim, Study, run

PLAIN = run("toy", "beta_vae(beta=4)", "mlp(width=64)")


def test_a_setting_is_a_run_without_its_seed():
    assert replace(PLAIN, seed=7).setting == PLAIN.setting
    assert replace(PLAIN, seed=7).setting.id == PLAIN.setting.id != PLAIN.id


@pytest.mark.parametrize(
    "other",
    [
        run("toy_color", "beta_vae(beta=4)", "mlp(width=64)"),
        run("toy", "beta_vae(beta=1)", "mlp(width=64)"),
        run("toy", "beta_vae(beta=4)", "mlp(width=32)"),
        replace(PLAIN, optim=Optim(lr=1e-3)),
        replace(PLAIN, batch=32),
        replace(PLAIN, updates=100),
        replace(PLAIN, precision="bf16"),
    ],
    ids=["dataset", "method", "network", "optim", "batch", "updates", "precision"],
)
def test_whatever_can_change_the_weights_is_of_the_setting(other):
    assert other.setting.id != PLAIN.setting.id
    assert other.setting.text != PLAIN.setting.text
    same = other.dataset != PLAIN.dataset
    assert (other.setting.configuration == PLAIN.setting.configuration) == same


def test_a_critic_tells_settings_apart_where_there_is_one():
    factor = run("toy", "factor_vae", "mlp(width=64)")
    slow = replace(factor, critic_optim=Optim(lr=1e-5, beta1=0.5, beta2=0.9))
    assert slow.setting.id != factor.setting.id
    assert slow.setting.text == "toy, factor_vae(gamma=10), mlp(width=64), critic, critic_lr=1e-05"
    assert replace(PLAIN, critic_optim=slow.critic_optim).setting == PLAIN.setting


def test_the_text_of_a_setting_says_what_is_not_at_its_default():
    assert PLAIN.setting.text == "toy, beta_vae(beta=4), mlp(width=64)"
    other = replace(PLAIN, optim=Optim(lr=0.003, schedule="cosine"), batch=32, updates=100, precision="bf16")
    assert other.setting.text.endswith(
        "mlp(width=64), lr=0.003, schedule=cosine, batch=32, updates=100, precision=bf16"
    )


def test_a_study_holds_a_setting_and_a_seed_once():
    with pytest.raises(DistaffError, match=f"runs 1 and 2 are of one setting and one seed, {PLAIN.id} twice"):
        Study("twice", (replace(PLAIN, seed=1), PLAIN, PLAIN), ())
