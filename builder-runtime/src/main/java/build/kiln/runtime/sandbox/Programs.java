package build.kiln.runtime.sandbox;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Finds the programs that launchers are made of. */
record Programs(List<Path> searchPath) {
  Programs {
    searchPath = List.copyOf(searchPath);
  }

  Optional<Path> find(String name) {
    return searchPath.stream()
        .map(folder -> folder.resolve(name))
        .filter(p -> Files.isRegularFile(p) && Files.isExecutable(p))
        .findFirst();
  }

  /**
   * @throws SandboxException UNAVAILABLE if there is none; says which package has it
   */
  Path require(String name, String debianPackage) throws SandboxException {
    return find(name)
        .orElseThrow(
            () ->
                new SandboxException(
                    SandboxException.Code.UNAVAILABLE,
                    "there is no program "
                        + name
                        + " in "
                        + searchPath
                        + "; install "
                        + debianPackage));
  }
}
