"""Write every generated file of the repository, or with --check say which differ from what the code says."""

import sys
from pathlib import Path

from deploy.acl import mosquitto_acl
from docs.reference_pages import reference_pages
from protocol.documents import documents

ROOT = Path(__file__).resolve().parent.parent


def generated_files() -> dict[Path, str]:
    """Path to text of all generated files."""
    files = {ROOT / "protocol" / name: text for name, text in documents().items()}
    files[ROOT / "deploy/mosquitto/acl"] = mosquitto_acl()
    return files | {ROOT / "docs/reference" / name: text for name, text in reference_pages().items()}


def main() -> int:
    """Write, or compare with --check; 1 when a file differs."""
    check = "--check" in sys.argv[1:]
    stale = [path for path, text in generated_files().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)} differs from the code: run ./run docs")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(generated_files()[path])
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
