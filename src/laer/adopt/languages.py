"""Whether a text is English, by the small words that every sentence of a language has."""

from __future__ import annotations

import re

SURE = 6  # words from which a text without a single English one is not taken for English
FOREIGN = 0.2  # share of letters of another script that makes a text another language's
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
ENGLISH = frozenset(
    "the a an and or but if of to in on at by for from with about into over after before between is are was were be been being am have has had do does did "
    "not no it its this that these those i you he she we they them their our your my his her me us who which what when where why "
    "how there here can could will "
    "would should may might must as so than then also only just very more most some any all each every because while until still again too up out off down "
    "cannot can't don't doesn't didn't isn't aren't wasn't won't i'm we're it's they're please since".split()
)
OTHERS = tuple(
    frozenset(words.split())
    for words in (
        "der die das und ist nicht ein eine einen einem einer ich wir sie er es mit für auf von zu im den dem des auch sich aber oder "
        "wie wenn noch nur sehr bei "
        "nach hat haben wird werden sind war kann können unser unsere ihr ihre kein keine wurde bitte seit über",
        "le la les un une des et est pas ne que qui dans pour sur avec ce cette ces nous vous ils elle il je tu mais ou où donc son "
        "sa ses notre votre du au aux "
        "plus très bien sont était être avoir ont fait depuis leur par c'est n'est",
        "el la los las un una y es no que en de del por para con se su sus lo al como más pero este esta estos son está fue "
        "ser muy también nos nuestro nuestra hay "
        "ha han desde cuando sin porque",
        "il lo gli un una e è non che di del della dei delle per con su nel nella sono siamo era questo questa anche come più ma se "
        "si ci abbiamo ha hanno molto "
        "nostro nostra dal dalla quando senza",
        "de het een en is niet dat die van voor met op te zijn wij we ik je u hij ze maar ook als dan nog wel geen naar bij "
        "uit onze ons wordt worden heeft hebben "
        "kan kunnen sinds omdat deze",
        "o os um uma e é não que de do da dos das em no na nos nas por para com se seu sua mais mas como está foi são "
        "também nosso nossa muito já quando sem "
        "porque você temos",
        "och att det är inte som en ett på för med av till den de vi jag har kan men om eller så från vår våra mycket när efter också var blir",
        "og det er ikke som en et på for med av til den de vi jeg har kan men om eller så fra vår våre meget når etter også var blir at der vores",
        "i w na z do nie że się to jest jak ale o po za od przez dla są był była być czy tylko już bardzo nasz nasze mamy oraz",
    )
)


def is_english(text: str) -> bool | None:
    """By script first, then by which language has the most of its small words in the text; English wins a tie that it has a part in.

    None where it cannot be told: a few words ("Login broken"), none of them a small one.
    """
    letters = [character for character in text if character.isalpha()]
    if not letters or sum(1 for c in letters if ord(c) > 0x24F) > FOREIGN * len(letters):
        return False
    words = [word.casefold() for word in _WORD.findall(text)]
    ours = sum(1 for word in words if word in ENGLISH)
    theirs = max(sum(1 for word in words if word in other) for other in OTHERS)
    if ours == theirs == 0:
        return None if len(words) < SURE and text.isascii() else False
    return ours >= theirs and ours > 0
