package build.kiln.runtime.build;

import build.kiln.runtime.build.BuildGraph.Files;
import build.kiln.runtime.build.BuildGraph.Link;
import build.kiln.runtime.build.BuildGraph.Read;
import build.kiln.runtime.build.BuildGraph.Source;
import build.kiln.runtime.build.BuildGraph.SourceKind;
import build.kiln.runtime.dockerfile.AddSource;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Mount;
import build.kiln.runtime.dockerfile.MountOptions;
import build.kiln.runtime.dockerfile.StageGraph;
import build.kiln.runtime.dockerfile.StageSource;
import build.kiln.runtime.dockerfile.Word;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What an instruction needs, told from its words alone. */
final class StepReads {
  /** Who and with what, in a URL: build arguments may have put it there. */
  private static final Pattern PASSWORD = Pattern.compile("://[^/@]*@");

  private StepReads() {}

  /**
   * How much of the file system before it an instruction needs.
   *
   * @param isStep whether it makes a layer
   */
  static Files files(Instruction instruction, boolean isStep) {
    if (!isStep) {
      return Files.NONE;
    }
    return switch (instruction) {
      case Instruction.Run run -> Files.ROOT;
      case Instruction.Copy copy when CopyStep.isIndependent(copy.options()) -> Files.NONE;
      case Instruction.Add add when CopyStep.isIndependent(add.options()) -> Files.NONE;
      default -> Files.INDEX;
    };
  }

  /**
   * The files that an instruction takes, each source once.
   *
   * @param instruction with its variables replaced
   */
  static List<Read> of(StageGraph graph, Instruction instruction) {
    return switch (instruction) {
      case Instruction.Copy copy ->
          copy.sources().isEmpty()
              ? List.of()
              : List.of(new Read(Link.COPY, source(graph, copy.from()), texts(copy.sources())));
      case Instruction.Add add -> ofAdd(add);
      case Instruction.Run run ->
          run.mounts().stream().flatMap(mount -> ofMount(graph, mount).stream()).toList();
      default -> List.of();
    };
  }

  private static List<Read> ofAdd(Instruction.Add add) {
    var reads = new ArrayList<Read>();
    List<String> local = new ArrayList<>();
    for (Word word : add.sources()) {
      switch (AddSource.of(word.text())) {
        case LOCAL -> local.add(word.text());
        case URL -> reads.add(remote(SourceKind.URL, word));
        case GIT -> reads.add(remote(SourceKind.GIT, word));
      }
    }
    if (!local.isEmpty()) {
      reads.addFirst(new Read(Link.ADD, Source.context(), local));
    }
    return reads;
  }

  private static Read remote(SourceKind kind, Word word) {
    return new Read(
        Link.ADD,
        Source.of(kind, PASSWORD.matcher(word.text()).replaceFirst("://***@")),
        List.of());
  }

  private static Optional<Read> ofMount(StageGraph graph, MountOptions options) {
    Word from = options.from().orElse(null);
    Mount mount;
    try {
      mount = options.resolve();
    } catch (DockerfileException wrongOption) {
      // The build tells of it when it comes to the step; where files come from is known.
      return from == null
          ? Optional.empty()
          : Optional.of(new Read(Link.MOUNT, source(graph, from), List.of()));
    }
    boolean takesFiles = mount.type() == Mount.Type.BIND || from != null;
    return takesFiles
        ? Optional.of(
            new Read(
                Link.MOUNT,
                source(graph, from),
                mount.source() == null ? List.of() : List.of(mount.source())))
        : Optional.empty();
  }

  private static Source source(StageGraph graph, @Nullable Word from) {
    return from == null ? Source.context() : source(graph.resolve(from));
  }

  static Source source(StageSource source) {
    return switch (source) {
      case StageSource.OfStage other -> Source.stage(other.stage());
      case StageSource.Named named -> Source.of(SourceKind.IMAGE, named.key());
      case StageSource.Scratch scratch -> Source.scratch();
      case StageSource.Files files -> Source.of(SourceKind.FILES, files.name().text());
    };
  }

  private static List<String> texts(List<Word> words) {
    return words.stream().map(Word::text).toList();
  }
}
