package build.kiln.runtime.build;

import build.kiln.runtime.context.IgnoringTree;
import build.kiln.runtime.dockerfile.Suggestions;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.rootfs.Resolved;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Says why a source of COPY or ADD is not there, and what may have been meant. */
final class MissingSource {
  private MissingSource() {}

  static BuildException of(Word source, String path, CopyStep.Origin from, IgnoringTree contextTree)
      throws IOException {
    String message = "\"/%s\" is not in %s".formatted(path, from.words());
    if (from.tree() == contextTree) {
      Optional<String> hidden = contextTree.whyHidden(path);
      if (hidden.isPresent()) {
        return StepProblems.at(
            source.range(), message, "it is there, but hidden by " + hidden.get());
      }
    }
    return StepProblems.at(source.range(), message, near(path, from).orElse(null));
  }

  /** The same for {@code --parents}, which follows no symbolic link. */
  static BuildException withParents(
      Word source, String path, CopyStep.Origin from, IgnoringTree contextTree) throws IOException {
    Resolved real = Paths.resolve(from.tree()::lookup, path);
    return real.exists()
        ? StepProblems.at(
            source.range(),
            "\"/%s\" is behind a symbolic link, and --parents follows none".formatted(path),
            "it is /" + real.real())
        : of(source, path, from, contextTree);
  }

  /** A name that is nearly the one asked for, in the deepest directory of the path that exists. */
  private static Optional<String> near(String path, CopyStep.Origin from) throws IOException {
    String directory = LayerPaths.parent(path);
    String wanted = LayerPaths.name(path);
    while (!directory.isEmpty() && from.tree().lookup(directory).isEmpty()) {
      wanted = LayerPaths.name(directory);
      directory = LayerPaths.parent(directory);
    }
    List<String> names =
        from.tree().children(directory).stream().map(EntryMeta::name).limit(10_000).toList();
    String at = directory;
    return Suggestions.nearest(wanted, names)
        .map(name -> "did you mean /" + LayerPaths.join(at, name) + "?");
  }
}
