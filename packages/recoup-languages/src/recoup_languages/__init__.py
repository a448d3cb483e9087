"""German, Spanish, French and Chinese. Countries are left out where several languages are official,
and where Chinese is written otherwise than here."""

from importlib.resources import files

from recoup.kit.languages.catalogues import Language

_FOLDER = files(__name__)
_SPANISH = "AR BO CL CO CR CU DO EC ES GT HN MX NI PA PE PY SV UY VE"
_FRENCH = "FR GF GP MC MQ NC PF PM RE YT"

DE = Language("Deutsch", ("AT", "DE", "LI"), _FOLDER / "de.json")
ES = Language("Español", tuple(_SPANISH.split()), _FOLDER / "es.json")
FR = Language("Français", tuple(_FRENCH.split()), _FOLDER / "fr.json")
ZH = Language("中文", ("CN",), _FOLDER / "zh.json")
