"""Tables and folders as other people make them."""

from pathlib import Path

import pytest

from training.data import HAM10000_LABELS, DataError
from training.label_names import task_label
from training.labelled_folder import read_labelled_folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for name in ("a.jpg", "Deep/er/B.JPEG", "c.PNG", "notes.txt"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def _read(images: Path, text: str, *, encoding: str = "utf-8", **filters: str) -> list[tuple[str, str]]:
    table = images.parent / "labels.csv"
    table.write_text(text, encoding=encoding)
    return [
        (record.file, record.label) for record in read_labelled_folder(images, table, labels=HAM10000_LABELS, **filters)
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("file,label\na.jpg,nv\nDeep/er/B.JPEG,mel\n", "utf-8"),
        ("file,label\r\na.jpg,NV\r\nb.jpeg,MEL\r\n\r\n", "utf-8-sig"),
        ("File;Label;Remark\na;Nevus;x, y\nB;Melanoma;\n", "utf-8"),
        ('image\tdiagnosis\nA.JPG\tmelanocytic_nevus\nDeep\\er\\b.jpeg\t"malignant melanoma"\n', "utf-8"),
        ("dx,extra,isic_id\n nv ,1,a \nmel,2,Deep/er/B\n", "utf-8"),
    ],
)
def test_the_same_two_pictures_are_found_however_they_are_written(images: Path, text: str, encoding: str) -> None:
    assert _read(images, text, encoding=encoding) == [("a.jpg", "nv"), ("Deep/er/B.JPEG", "mel")]


def test_rows_of_a_data_set_and_split_can_be_asked_for(images: Path) -> None:
    text = "file,dx,dataset,split\na.jpg,nv,ours,test\nc.png,df,ours,val\nB.jpeg,mel,theirs,test\n"
    assert _read(images, text, dataset="ours", split="test") == [("a.jpg", "nv")]
    with pytest.raises(DataError, match="split 'train'"):
        _read(images, text, split="train")


def test_an_age_that_is_no_number_is_not_stated_and_said(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = images.parent / "labels.csv"
    table.write_text("file,label,age\na.jpg,nv,85+\nB.jpeg,mel,40\nc.png,nv,unknown\n", encoding="utf-8")
    records = read_labelled_folder(images, table, labels=HAM10000_LABELS)
    assert [record.age for record in records] == [None, 40.0, None]
    assert "1 ages are no number of years and count as not stated: '85+' in line 2" in capsys.readouterr().err


@pytest.mark.parametrize("written", ["../outside/secret.jpg", "{outside}/secret.jpg", "Deep/../../outside/secret.jpg"])
def test_no_row_leads_out_of_the_folder(images: Path, written: str) -> None:
    outside = images.parent / "outside"
    outside.mkdir()
    (outside / "secret.jpg").touch()
    assert _read(images, f"file,label\n{written.format(outside=outside)},nv\n") == [("secret.jpg", "nv")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header"),
        ("file,label\n", "no row"),
        ("file,truth\na.jpg,nv\n", "'label' or 'dx'"),
        ("file,label,label\na.jpg,nv,nv\n", "more than once"),
        ("file,label\na.jpg,scc\n", "line 2: label 'scc' of a.jpg"),
        ("file,label\na.jpg,\n", "label ''"),
        ("file,label\n,nv\n", "no file"),
        ("file,label\na.jpg,nv\nA.JPG,nv\n", "listed more than once"),
        ("file,label\na.jpg,nv,mel\n", "3 values under 2 columns"),
        ('file,label\na.jpg,"nv' + 200_000 * "x", "quotation mark"),
    ],
)
def test_what_is_wrong_is_named(images: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _read(images, text)


def test_a_table_that_is_no_text_or_not_there_is_an_error(images: Path) -> None:
    with pytest.raises(DataError, match="UTF-8"):
        _read(images, "file,label\na.jpg,névus\n", encoding="latin-1")
    with pytest.raises(DataError, match="cannot be read"):
        read_labelled_folder(images, images / "none.csv", labels=HAM10000_LABELS)
    with pytest.raises(DataError, match="no folder"):
        read_labelled_folder(images / "none", images / "none.csv", labels=HAM10000_LABELS)


def test_a_name_that_two_pictures_have_needs_its_path(images: Path) -> None:
    (images / "Deep" / "a.jpg").touch()
    with pytest.raises(DataError, match="give its path"):
        _read(images, "file,label\nother/a.jpg,nv\n")
    assert _read(images, "file,label\na.jpg,nv\nDeep/a.jpg,mel\n") == [("a.jpg", "nv"), ("Deep/a.jpg", "mel")]


def test_a_path_without_its_ending_or_with_another_names_one_picture(images: Path) -> None:
    (images / "Deep/er/a.png").touch()
    text = "file,label\na,nv\nDeep/er/A,mel\nc.jpg,df\n"
    assert _read(images, text) == [("a.jpg", "nv"), ("Deep/er/a.png", "mel"), ("c.PNG", "df")]
    (images / "a.png").touch()
    with pytest.raises(DataError, match=r"may be a.jpg or a.png: give its path and ending"):
        _read(images, "file,label\na,nv\n")


def test_a_picture_missing_from_its_folder_is_not_taken_from_another(images: Path) -> None:
    (images / "other").mkdir()
    (images / "other/d.jpg").touch()
    # Comes back as written, for the reader to say that it is not there.
    assert _read(images, "file,label\nother/a.jpg,nv\n") == [("other/a.jpg", "nv")]
    assert _read(images, "file,label\n/disk/of/another/machine/a.jpg,nv\n") == [("a.jpg", "nv")]


@pytest.mark.parametrize(
    ("written", "label"),
    [("Seborrhoeic-Keratosis", "bkl"), ("AKIEC", "akiec"), ("Bowen's disease", "akiec"), ("invasive scc", None)],
)
def test_names_of_diagnoses(written: str, label: str | None) -> None:
    assert task_label(written, HAM10000_LABELS) == label


def test_a_name_means_nothing_in_a_task_without_its_label() -> None:
    assert task_label("melanoma", ("psoriasis", "seborrheic-dermatitis")) is None
    assert task_label("Seborrhoeic dermatitis", ("psoriasis", "seborrheic-dermatitis")) == "seborrheic-dermatitis"
