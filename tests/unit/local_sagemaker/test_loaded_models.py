from penstock_local.sagemaker.loaded_models import LoadedModels


def loaded(*names: str) -> LoadedModels:
    models = LoadedModels()
    for name in names:
        models.add(name)
    return models


def test_the_least_recently_used_model_goes_first():
    models = loaded("a", "b")
    models.add("a")

    assert [models.take_victim() for _ in range(3)] == ["b", "a", None]


def test_a_model_in_use_stays():
    models = loaded("a", "b")

    with models.using("a"):
        assert models.is_in_use("a")
        assert models.take_victim() == "b"
        assert models.take_victim() is None
    assert models.take_victim() == "a"


def test_a_model_that_is_loading_counts_as_in_use_once_it_is_there():
    models = loaded()

    with models.using("a"):
        models.add("a")
        assert models.take_victim() is None


def test_models_are_discarded_by_name_or_all_together():
    models = loaded("a", "b", "c")
    models.discard("b")
    models.discard("none")

    assert list(models) == ["a", "c"]
    models.clear()
    assert "a" not in models
