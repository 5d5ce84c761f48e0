package build.kiln.runtime.build;

import build.kiln.runtime.ssh.AgentSource;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What {@code RUN --mount=type=secret} may ask for, by id. Read only when a step runs that mounts
 * it; never printed.
 */
public final class BuildSecrets {
  /** As docker has it. */
  public static final int MAX_BYTES = 500 * 1024;

  private static final BuildSecrets NONE = new BuildSecrets(Map.of(), Map.of());

  private final Map<String, Source> sources;
  private final Map<String, AgentSource> agents;

  /** Where a secret's bytes come from. */
  @FunctionalInterface
  public interface Source {
    /** The bytes; empty if there is no such secret after all. */
    Optional<byte[]> read() throws IOException;
  }

  /** A file that is read when a step asks for it. */
  public static Source ofFile(String id, Path file) {
    return () -> {
      try (InputStream in = Files.newInputStream(file)) {
        return Optional.of(in.readNBytes(MAX_BYTES + 1));
      } catch (IOException e) {
        throw new IOException(
            "cannot read the secret \"%s\" from %s: %s".formatted(id, file, e.getMessage()), e);
      }
    };
  }

  private BuildSecrets(Map<String, Source> sources, Map<String, AgentSource> agents) {
    this.sources = Map.copyOf(sources);
    this.agents = Map.copyOf(agents);
  }

  public static BuildSecrets none() {
    return NONE;
  }

  public static BuildSecrets of(Map<String, Source> sources) {
    return new BuildSecrets(sources, Map.of());
  }

  /** The same with SSH agents by id. */
  public BuildSecrets withAgents(Map<String, AgentSource> more) {
    return new BuildSecrets(sources, more);
  }

  /** An SSH agent; empty if there is none of this id. */
  public Optional<AgentSource> agent(String id) {
    return Optional.ofNullable(agents.get(id));
  }

  /**
   * A secret's bytes; empty if there is none of this id.
   *
   * @throws IOException if it cannot be read, or is larger than {@link #MAX_BYTES}
   */
  public Optional<byte[]> read(String id) throws IOException {
    Source source = sources.get(id);
    if (source == null) {
      return Optional.empty();
    }
    Optional<byte[]> bytes = source.read();
    if (bytes.isPresent() && bytes.get().length > MAX_BYTES) {
      throw new IOException("the secret \"%s\" is larger than %d bytes".formatted(id, MAX_BYTES));
    }
    return bytes;
  }
}
