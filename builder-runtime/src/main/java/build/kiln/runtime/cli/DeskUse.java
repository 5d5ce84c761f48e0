package build.kiln.runtime.cli;

import build.kiln.runtime.prune.Executor;
import build.kiln.runtime.prune.Fresh;
import build.kiln.runtime.prune.InUse;
import build.kiln.runtime.prune.KubernetesUses.Source;
import build.kiln.runtime.prune.PruneException;
import build.kiln.runtime.prune.PruneException.Code;
import build.kiln.runtime.prune.UseFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What is in use, as files say: they are read again whenever that is asked, unless they just were,
 * since people write them anew. What can be read once only, such as a pipe, is read once.
 */
final class DeskUse implements Executor.CurrentUse {
  private static final Duration FRESH = Duration.ofSeconds(5);

  /**
   * A file.
   *
   * @param cluster whose use it is, of others than this; empty of this
   */
  record From(String cluster, Path file) {}

  private final List<From> files;
  private final List<Source> sources;
  private final InUse names;
  private final boolean wanted;
  private final Map<Path, byte[]> pipes = new HashMap<>();
  private final Fresh<InUse> fresh = new Fresh<>(FRESH, System::nanoTime, this::read);

  /**
   * @param names mirrors and aliases
   * @param wanted whether the files must name something
   */
  DeskUse(List<From> files, List<Source> sources, InUse names, boolean wanted) {
    this.files = List.copyOf(files);
    this.sources = List.copyOf(sources);
    this.names = names;
    this.wanted = wanted;
  }

  /**
   * @throws PruneException INPUT_INVALID if a file is no longer there, or none
   */
  @Override
  public InUse now() throws IOException {
    return fresh.get();
  }

  private InUse read() throws PruneException {
    InUse all = names;
    for (From from : files) {
      all = all.and(UseFile.read(from.file.toString(), bytes(from.file), sources));
      if (!from.cluster.isEmpty()) {
        all = all.and(InUse.ofCluster(from.cluster));
      }
    }
    if (wanted && !files.isEmpty() && all.uses().isEmpty() && all.unparsable().isEmpty()) {
      throw new PruneException(
          Code.INPUT_INVALID,
          "--in-use names no image at all, so what is in use is not known; say --no-in-use if nothing is");
    }
    return all;
  }

  private byte[] bytes(Path file) throws PruneException {
    byte[] before = pipes.get(file);
    if (before != null) {
      return before;
    }
    try {
      byte[] bytes = NamedFile.bytes(file);
      if (!Files.isRegularFile(file)) {
        pipes.put(file, bytes);
      }
      return bytes;
    } catch (CommandFailure e) {
      throw new PruneException(Code.INPUT_INVALID, String.valueOf(e.getMessage()), e);
    }
  }
}
