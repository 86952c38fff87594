"""Words that any change could be called by, so that a changelog of nothing else says nothing.

Apart from the rule because it is a vocabulary and not a decision. It has the words of people who
are in a hurry, in the languages teams commit in; a missing word lets a poor text through, and a
word too many refuses an honest one, so in doubt a word is not in it.
"""

import unicodedata
from typing import Final


def folded(word: str) -> str:
    """A word as it is compared: small letters without accents."""
    parts = unicodedata.normalize("NFKD", word.casefold().replace("\u2019", "'"))
    return "".join(each for each in parts if unicodedata.category(each) != "Mn")


_ENGLISH = """
a an and any all also another as at be been by do done did does for from has have here i if in into
is it its it's just my me mine no not nothing none now of on one only or other our out over per so
some something such that the their them then there these thing things this those to too up us via
was we were what which will with yes you your
again actual additional bit current different few final first further general generic great good
better best nice initial last late later latest little lot lots major many minor misc miscellaneous
more most much new newer newest next old older quick random recent same second several small tiny
various very
adjust adjusted adjusting adjustment adjustments amend amended amends bug bugfix bugfixes bugs
bump bumped change changed changelog changes changing clean cleaned cleaning cleanup commit commits
committed correct corrected correction corrections delta diff edit edited editing edits enhance
enhanced enhancement enhancements fix fixed fixes fixing fixup hotfix hotfixes implement implemented
improve improved improvement improvements improving issue issues made maintenance make makes making
merge merged modification modifications modified modifies modify optimise optimised optimization
optimizations optimize optimized patch patched patches polish polished refactor refactored
refactoring refresh refreshed revise revised revision revisions rework reworked squash stuff tweak
tweaked tweaking tweaks update updated updates updating upgrade upgraded upgrades wip work worked
working works
agent agents assistant assistants bot bots config configuration configurations manifest manifests
project repo repository setting settings yaml json file files code version versions
deploy deployed deploying deployment deployments draft env environment go live prod production
promote promoted promotes promoting promotion push pushed release released releases releasing ship
shipped ship's stage staging test tested testing tests
asdf asdfg bar baz blah dummy etc foo hello hey hi idk ipsum lorem lol na nil null ok okay please
placeholder progress qwerty sample temp temporary tbc tbd thanks tmp todo undefined unknown untitled
whatever xyz
above before below described description discussed mentioned message note notes planned request
requested see text today tomorrow yesterday
"""
_OTHERS = """
aktualisieren aktualisiert aktualisierte aktualisierung aktualisierungen am an anderung anderungen
anpassung anpassungen angepasst auf behoben bugfixes das dem den der des die diverse diverses ein
eine einen einer einige etwas fehler fehlerbehebung fehlerbehebungen fur geandert im ist kleine
kleiner kleinere kleines kleinigkeiten korrektur korrekturen korrigiert mehrere mit neu neue neuer
neues nichts noch sonstiges uberarbeitet uberarbeitung und verbesserung verbesserungen verbessert
verschiedene verschiedenes von weitere wie zum zur
amelioration ameliorations ameliore aux bogue bogues changement changements change correctif
correctifs correction corrections corrige corrigee de des divers diverse diverses du est et jour
la le les mettre mineur mineure mineures mineurs mis mise mises modif modifie modifications modifs
nouveau nouvelle nouvelles nouveaux petit petite petites petits plusieurs pour quelques rien sur un
une
actualizacion actualizaciones actualizado actualizar ajuste ajustes arreglado arreglar arreglo
arreglos cambio cambios con correccion correcciones corregido del el en error errores las los mejora
mejorado mejoras menor menores modificacion modificaciones modificado nada nueva nuevo nuevos para
pequena pequenas pequeno pequenos que unas uno unos varias varios
aggiornamenti aggiornamento aggiornato aggiustamenti al alcune alcuni correzione correzioni corretto
da dei del della delle di gli il lo migliorato miglioramenti miglioramento miglioria migliorie
minori modifica modificato modifiche nuova nuovo per piccola piccole piccoli piccolo qualche
sistemato varie vari
acerto acertos alteracao alteracoes alterado atualizacao atualizacoes atualizado coisas com correcao
correcoes corrigido dos em erro erros melhoria melhorias mudanca mudancas nova novo novos os pequena
pequenas pequeno pequenos
aangepast aanpassing aanpassingen bijgewerkt diverse een fout fouten gewijzigd het kleine nieuw
nieuwe opgelost van verbeterd verbetering verbeteringen voor wijziging wijzigingen
aktualizacja aktualizacje drobne i kilka naprawa naprawiono nowa nowe poprawa poprawka poprawki
poprawiono rozne zaktualizowano zmiana zmiany zmieniono
и в на для изменение изменения изменено исправил исправлено исправление исправления мелкие
мелочи новая новое новый обновил обновлена обновление обновления обновлено правка правки разное
улучшение улучшения фикс фиксы
更新 修改 变更 變更 修复 修復 优化 優化 改动 改動 测试 調整 调整 改进 一些 修正 変更
改善 対応 微調整
변경 수정 업데이트 개선 테스트
"""

FILLERS: Final[frozenset[str]] = frozenset(folded(w) for w in (_ENGLISH + _OTHERS).split())
"""Folded."""
