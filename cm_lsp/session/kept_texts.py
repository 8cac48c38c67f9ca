"""Texts that had to give way are kept in a file the user is told of: nothing that was typed is ever only gone."""

from pathlib import PurePosixPath

from cm_lsp.session.place import Place
from cm_wire import printable
from cm_wire.ids import FilePath


def keep(place: Place, path: FilePath, text: str, why: str) -> str:
    """Write the text beside what else is shown, under a name no other text has; the file's address."""
    name = PurePosixPath(path).name
    uri = place.write_file(f"kept-{place.randomness.getrandbits(40):010x}-{name}", text)
    place.editor.say(f"Codementor: {why} Your text of {printable.line(path)} is kept in {uri}.")
    return uri
