package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.Stage;
import build.kiln.runtime.oci.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A build as a graph, before any of it is done: what each step would need if no cache had it.
 *
 * @param target the stage that is built
 * @param platform such as {@code linux/amd64}
 * @param stages all of them, in the Dockerfile's order
 * @param images that the needed stages are based on or take files from
 */
public record BuildGraph(
    Source target, String platform, List<StageNode> stages, List<ImageNode> images) {
  public BuildGraph {
    stages = List.copyOf(stages);
    images = List.copyOf(images);
  }

  /** What files come from. */
  public enum SourceKind {
    CONTEXT,
    FILES,
    STAGE,
    IMAGE,
    SCRATCH,
    URL,
    GIT
  }

  /**
   * Where files come from.
   *
   * @param name a stage's or an image's name, a URL; {@code context} or {@code scratch}
   * @param id the same for one node, since stages may share a name: {@code stage:0}, {@code
   *     image:debian:12}, {@code context}
   */
  public record Source(SourceKind kind, String name, String id) {
    static Source context() {
      return new Source(SourceKind.CONTEXT, "context", "context");
    }

    static Source scratch() {
      return new Source(SourceKind.SCRATCH, "scratch", "scratch");
    }

    static Source stage(Stage stage) {
      return new Source(SourceKind.STAGE, stage.displayName(), "stage:" + stage.number());
    }

    static Source of(SourceKind kind, String name) {
      return new Source(kind, name, kind.name().toLowerCase(Locale.ROOT) + ":" + name);
    }
  }

  /** How much of the file system before it a step needs. */
  public enum Files {
    /** Nothing. */
    NONE,
    /** Names, kinds, owners and modes, from the layers' indexes. */
    INDEX,
    /** A root file system, unpacked. */
    ROOT
  }

  /** How much of an image a build needs. */
  public enum Use {
    /** Manifest and configuration. */
    CONFIG,
    /** The layers' indexes; a layer is read once if its index is not known. */
    INDEX,
    /** The layers, as archives. */
    CONTENT,
    /** The layers, unpacked. */
    ROOT
  }

  /** Why a stage is needed, or what connects it. */
  public enum Link {
    TARGET,
    FROM,
    COPY,
    ADD,
    MOUNT
  }

  /**
   * A reason to build a stage.
   *
   * @param by the stage that needs it; itself if it is the target
   * @param line of the instruction that says so; 0 for the target
   */
  public record Need(Link link, Source by, int line) {}

  /**
   * Files that a step takes.
   *
   * @param link COPY, ADD or MOUNT
   * @param paths as the instruction has them, variables replaced
   */
  public record Read(Link link, Source source, List<String> paths) {
    public Read {
      paths = List.copyOf(paths);
    }
  }

  /**
   * An instruction of a stage.
   *
   * @param line where it starts; for a trigger of a base image, the FROM's
   * @param text in one line, as written
   * @param trigger whether it is an ONBUILD of what the stage is based on
   * @param layer whether it makes a layer
   * @param files what it needs of the steps before
   */
  public record StepNode(
      int line, String text, boolean trigger, boolean layer, Files files, List<Read> reads) {
    public StepNode {
      reads = List.copyOf(reads);
    }
  }

  /**
   * A stage.
   *
   * @param self its name, or {@code stage-N}, and its id
   * @param line of its FROM
   * @param needs empty if the target does not need it
   */
  public record StageNode(
      int number, Source self, int line, Source base, List<Need> needs, List<StepNode> steps) {
    public StageNode {
      needs = List.copyOf(needs);
      steps = List.copyOf(steps);
    }

    /** Whether it is built. */
    public boolean needed() {
      return !needs.isEmpty();
    }

    /** Whether one of its steps needs an unpacked root file system. */
    public boolean unpacks() {
      return steps.stream().anyMatch(step -> step.files() == Files.ROOT);
    }
  }

  /**
   * An image.
   *
   * @param self its name as the Dockerfile has it, and its id
   * @param found null if it could not be looked up
   * @param problem why not
   */
  public record ImageNode(
      Source self, Use use, @Nullable FoundImage found, @Nullable String problem) {
    /** Whether its layers are unpacked. */
    public boolean unpacked() {
      return use == Use.ROOT;
    }
  }

  /**
   * What is known of an image.
   *
   * @param name in full
   * @param digest of the manifest for the platform
   * @param layers how many it has, and their bytes, compressed
   * @param missing how many of them must be pulled, and their bytes
   */
  public record FoundImage(String name, Digest digest, Blobs layers, Blobs missing) {}

  /**
   * Some layers.
   *
   * @param bytes compressed
   */
  public record Blobs(int count, long bytes) {}

  /**
   * Files that go from one to another.
   *
   * @param to the stage
   * @param line of the instruction that says so
   */
  public record Edge(Source from, Source to, Link link, int line) {}

  /** All that stages are based on and take from, in the Dockerfile's order. */
  public List<Edge> edges() {
    var edges = new ArrayList<Edge>();
    for (StageNode stage : stages) {
      edges.add(new Edge(stage.base(), stage.self(), Link.FROM, stage.line()));
      for (StepNode step : stage.steps()) {
        for (Read read : step.reads()) {
          edges.add(new Edge(read.source(), stage.self(), read.link(), step.line()));
        }
      }
    }
    return edges;
  }
}
