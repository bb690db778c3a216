"""Is everything as clang-format leaves it? usage: format.py ROOT. Skipped without the tool."""
import pathlib
import shutil
import subprocess
import sys

tool = shutil.which("clang-format")
if not tool:
    print("clang-format is not installed")
    sys.exit(77)  # Meson's code for "skipped"
root = pathlib.Path(sys.argv[1])
files = sorted(str(path) for folder in ("base", "augment", "loader", "train", "tools", "tests")
               for path in root.glob(folder + "/**/*.[ch]")
               if not path.name.startswith("golden_") and path.parent.name != "golden")
result = subprocess.run([tool, "--dry-run", "--Werror", *files], capture_output=True, text=True)
print("\n".join(line for line in result.stderr.splitlines() if "error:" in line))
sys.exit(result.returncode)
