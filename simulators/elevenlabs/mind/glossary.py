"""Words of everyday life in English, Spanish, German and French, enough to be recognised.

A row is ``english|spanish|german|french``; variants are separated by ``/``, the first is spoken.
An English part may be a short phrase. Nothing here is about any agent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

LANGUAGES: Final = ("en", "es", "de", "fr")

_ROWS: Final = """
the|el/la/los/las|die/der/das/den/dem|le/la/les
a|un/una|ein/eine/einen|un/une
an|un|ein|un
and|y/e|und|et
or|o/u|oder|ou
but|pero|aber|mais
with|con|mit|avec
without|sin|ohne|sans
by|con|mit|par
for|para/por|für|pour
from|de/desde|von/ab|de/dès
until|hasta|bis|jusqu'à
of|de/del|von|de/du/des
in|en|in|dans/en
on|en|an/am|sur
at|en|bei/um|à
to|a/hasta|zu/bis|à
up|arriba|oben|haut
if|si|wenn/falls|si
is|es/está|ist|est
are|son/están|sind|sont
has|tiene/ha|hat|a
have|tienen/tengo/haber|haben/habe|ont/ai
does|hace|tut|fait
not|no|nicht/kein/keine|ne/pas
no|no/ningún/ninguna|kein/keine/nein|pas/aucun/non
yes|sí|ja|oui
only|solo/sólo|nur|seulement
also|también|auch|aussi
you|usted/tú|Sie/du|vous/tu
we|nosotros|wir|nous
your|su/tu|Ihr/Ihre/dein|votre/ton
my|mi/mis|mein/meine/meinen|mon/ma/mes
it|ello|es|il
this|este/esta|dieser/diese/dieses|ce/cette
that|ese/esa/eso|das/dass|cela/que
every|cada|jeder/jeden/jede|chaque
open|abierto/abren/abre/abierta|geöffnet/offen/öffnen/auf|ouvert/ouverts/ouvrez/ouvre
closed|cerrado/cierran/cerrada/cierra|geschlossen/zu/schließen|fermé/fermée/fermez
opening|horario/horarios|Öffnungszeiten|horaires
hours|horas/hora|Zeiten/Uhr|heures/heure
opening hours|horario de apertura|Öffnungszeiten|heures d'ouverture
by appointment only|solo con cita previa|nur mit Termin|uniquement sur rendez-vous
by appointment|con cita previa|mit Termin|sur rendez-vous
public holidays|festivos|Feiertage|jours fériés
holidays|festivos/feriados|Feiertage|jours fériés
public|públicos/público|öffentliche|publics
appointment|cita/turno/visita|Termin/Termine|rendez-vous
address|dirección/dónde/donde|Adresse/Anschrift/wo|adresse/où
parking|aparcamiento/aparcar/estacionamiento|Parkplatz/Parkplätze/parken|parking/garer
building|edificio|Gebäude|bâtiment
entrance|entrada|Eingang|entrée
behind|detrás de|hinter|derrière
price|precio/precios/cuesta/cuánto/vale/cuestan|Preis/Preise/kostet/kosten|prix/coûte/combien/tarif
prices|precios|Preise|prix
tax|impuestos|Steuern|taxes
included|incluido/incluida|inbegriffen|compris
less|menos|weniger|de moins
minutes|minutos/minuto|Minuten/Minute|minutes/minute
hour|hora|Stunde|heure
day|día/días|Tag/Tage|jour/jours
days|días|Tage|jours
week|semana|Woche|semaine
month|mes|Monat|mois
year|año/años|Jahr/Jahre|an/année/ans
yearly|anual|jährliche|annuelle
night|noche|Nacht|nuit
morning|mañana|Morgen/Vormittag|matin
evening|noche/tarde|Abend|soir
spring|primavera|Frühling|printemps
now|ahora/ya|jetzt/sofort|maintenant
today|hoy|heute|aujourd'hui
tomorrow|mañana|morgen|demain
before|antes de/antes|vor|avant
after|después de/después|nach|après
during|durante|während|pendant
payment|pago/pagar/pagan|Zahlung/zahlen/bezahlen|paiement/payer
due|debido|fällig|dû
card|tarjeta|Karte|carte
cash|efectivo|bar/Bargeld|espèces
visit|visita|Besuch|visite
clinic|clínica|Praxis|clinique
shop|tienda|Laden|magasin
doctor|médico/doctor/doctora|Arzt/Ärztin|médecin/docteur
vet|veterinario/veterinaria|Tierarzt/Tierärztin|vétérinaire
animal|animal/mascota|Tier|animal
animals|animales|Tiere|animaux
dog|perro/perra/perrito|Hund|chien/chienne
dogs|perros|Hunde|chiens
cat|gato/gata/gatito|Katze/Kater|chat/chatte
cats|gatos|Katzen|chats
rabbit|conejo/coneja|Kaninchen/Hase|lapin
bird|pájaro/ave|Vogel|oiseau
horse|caballo|Pferd|cheval
small|pequeño/pequeña/pequeños|klein/kleine|petit/petits
big|grande/gran|groß|grand/gros
left|izquierda|links|gauche
right|derecha|rechts|droite
room|sala|Raum|salle
examination|consulta/revisión/examen|Untersuchung|examen/consultation
vaccination|vacuna/vacunación/vacunas/vacunar|Impfung/impfen|vaccination/vaccin/vacciner
combined|combinada|kombinierte|combinée
blood|sangre|Blut|sang
test|análisis/prueba|Test|test/analyse
results|resultados|Ergebnisse|résultats
next|siguiente|nächster|suivant
registration|registro|Registrierung|enregistrement
cleaning|limpieza|Reinigung|nettoyage
dental|dental/dientes|Zahn|dentaire/dents
surcharge|recargo|Zuschlag|supplément
service|servicio|Leistung|service
services|servicios|Leistungen|services
takes|dura/tarda|dauert|dure
name|nombre/llama|Name|nom
phone|teléfono/llamar|Telefon/anrufen|téléphone/appeler
call|llamada|Anruf|appel
message|mensaje|Nachricht|message
help|ayuda/ayudar/ayúdeme|Hilfe/helfen|aide/aider
need|necesita/necesito/quiero/quisiera|brauche/braucht/möchte|besoin/voudrais/faut
come|venir/venga/ir/vengo|kommen/komme|venir/venez/viens
breathe|respirar/respira|atmen/atmet|respirer/respire
trouble|problemas/dificultad|Probleme/Schwierigkeiten|mal/difficultés
stand|levantarse/pie|stehen/steht|debout
bleed|sangra/sangrando/sangrar|blutet/bluten|saigne/saigner
poison|veneno/venenoso/tóxico/envenenado|Gift/giftig/vergiftet|poison/toxique
swallow|tragado/tragó/comió/comido/come|geschluckt/verschluckt/gefressen|avalé/mangé
eat|comer/come|essen/frisst|manger/mange
drink|beber/bebe/bebido|trinken/getrunken|boire/bu
seizure|convulsiones/convulsión|Krampfanfall/Krämpfe|convulsions/crise
heavy|mucho/mucha|stark/viel|beaucoup/fort
urine|orina/orinar/pis|Urin/pinkeln|urine/uriner
vomit|vomita/vomitado/vómito|erbricht/erbrochen|vomit/vomi
male|macho|männlich|mâle
food|comida|Essen/Futter|nourriture
water|agua|Wasser|eau
open all night|abierto toda la noche|die ganze Nacht geöffnet|ouvert toute la nuit
hospital|hospital|Klinik|hôpital
bread|pan|Brot|pain
book|libro|Buch|livre
car|coche|Auto|voiture
ready|listo/listos|bereit|prêt/prêts
i can offer you|le puedo ofrecer|ich kann Ihnen anbieten|je peux vous proposer
a call back|una llamada de vuelta|einen Rückruf|un rappel
reason|motivo|Grund|motif
owner|dueño/dueña|Inhaber/Inhaberin|propriétaire
set out|salga|fahren Sie los|partez
should|debe|sollten|devriez
can|puede/pueden|können/kann|pouvez/peut
will|va a|wird|va
be|estar|sein|être
been|sido|worden|été
about|unos|etwa|environ
here|aquí|hier|ici
there|allí|dort|là
keep|mantenga|halten Sie|gardez
bring|traiga|bringen Sie|apportez
leave|deje|lassen Sie|laissez
ring|llame|rufen Sie|appelez
send|enviar|senden|envoyer
give|dar|geben|donner
ask|pregunte|fragen Sie|demandez
follow|seguir|folgen|suivre
say|decir|sagen|dire
warm|caliente|warm|chaud
still|quieto|ruhig|tranquille
sorry|lo siento|Entschuldigung|désolé
anything|cualquier cosa|alles|tout
nothing|nada|nichts|rien
details|detalles|Einzelheiten|détails
again|otra vez|wieder|encore
normally|normalmente|normal|normalement
may|puede|darf|peut
which|cuál|welche|quel
what|qué|was|quoi
when|cuándo|wann|quand
how|cómo|wie|comment
old|años|alt|âge
please|por favor|bitte|s'il vous plaît
thanks|gracias|danke|merci
goodbye|adiós|auf Wiedersehen/tschüss|au revoir
wait|esperar|warten|attendre
directly|directamente|direkt|directement
street|calle|Straße|rue
lane|callejón|Gasse|allée
free|libre/libres/gratis|frei|libre/gratuit
weight|peso|Gewicht|poids
documents|documentos|Unterlagen|documents
first|primero/primera|erste/erster|premier/première
second|segundo/segunda|zweite/zweiter|deuxième
dose|dosis|Dosis|dose
medicine|medicina/medicamento|Medizin/Medikament|médicament
wrong|mal/malo|falsch|faux
reduced|reducido|ermäßigt|réduit
outside|fuera|außerhalb|hors
answered|atendido|beantwortet|pris
number|número|Nummer|numéro
child|niño/niña|Kind|enfant
good|bueno/buena|gut|bon/bonne
"""


def _parsed() -> tuple[tuple[tuple[str, ...], ...], ...]:
    rows = [line.split("|") for line in _ROWS.strip().splitlines()]
    return tuple(tuple(tuple(cell.split("/")) for cell in row) for row in rows)


@lru_cache(maxsize=8)
def from_english(language: str) -> dict[str, str]:
    """What English words and phrases are in a language; keys in lower case."""
    column = LANGUAGES.index(language)
    return {row[0][0]: row[column][0] for row in _parsed()}


@lru_cache(maxsize=8)
def to_english(language: str) -> dict[str, str]:
    """What words of a language are in English; keys in lower case, rows first named win."""
    column = LANGUAGES.index(language)
    found: dict[str, str] = {}
    for row in _parsed():
        for word in row[column]:
            found.setdefault(word.lower(), row[0][0])
    return found
