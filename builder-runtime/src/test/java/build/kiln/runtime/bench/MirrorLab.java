package build.kiln.runtime.bench;

import build.kiln.runtime.bench.CopyWork.Images;
import build.kiln.runtime.bench.CopyWork.Start;
import build.kiln.runtime.bench.SourceImages.Content;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Two registries on loopback, made anew for every copy: the source from what was pushed once, the
 * destination from what it is to have. Both lie in one folder, so on one disk.
 */
final class MirrorLab {
  /** What copies of a repository have before its name. */
  private static final String PREFIX = "mirror";

  private static final String REPOSITORIES = "docker/registry/v2/repositories";

  private final Path scratch;
  private final Optional<SlowLink.Kind> link;
  private final int sourcePort;
  private final int destinationPort;

  /**
   * @param link between the tools and both registries; empty for none
   */
  MirrorLab(Path scratch, Optional<SlowLink.Kind> link) throws IOException {
    this.scratch = scratch;
    this.link = link;
    this.sourcePort = LocalRegistry.freePort();
    this.destinationPort = LocalRegistry.freePort();
  }

  private Path source() {
    return scratch.resolve("source");
  }

  private Path done() {
    return scratch.resolve("done");
  }

  private Path changed() {
    return scratch.resolve("changed");
  }

  /** Fills the source, and makes what destinations may start from. */
  void prepare(Images images) throws IOException, InterruptedException {
    for (Path folder : List.of(source(), done(), changed())) {
      Commands.run(List.of("rm", "-rf", folder.toString()));
    }
    try (var registry = LocalRegistry.start(source(), sourcePort);
        var content = new SourceImages("127.0.0.1:" + sourcePort, scratch.resolve("content"))) {
      images.write(content);
    }
    if (images == Images.HUGE || images == Images.WIDE) {
      return; // nobody asks for more of it than a cold copy
    }
    copy(source(), done());
    Path repositories = done().resolve(REPOSITORIES);
    Path prefix = Files.createDirectory(repositories.resolve(PREFIX));
    for (String repository : images.repositories) {
      Files.move(repositories.resolve(repository), prefix.resolve(repository));
    }
    copy(done(), changed());
    if (images == Images.MANY) {
      try (var registry = LocalRegistry.start(changed(), destinationPort);
          var content =
              new SourceImages("127.0.0.1:" + destinationPort, scratch.resolve("content"))) {
        content.push(PREFIX + "/app-07:13", List.of(new Content(7, 50_000)));
      }
    }
  }

  private static void copy(Path from, Path to) throws IOException, InterruptedException {
    Commands.run(List.of("rm", "-rf", to.toString()));
    Commands.run(List.of("cp", "-a", "--reflink=auto", from.toString(), to.toString()));
  }

  /**
   * Copies once.
   *
   * @throws IOException if the tool fails, or its copy is not the source's
   */
  CopyFigures run(CopyWork work, CopyTool tool) throws IOException, InterruptedException {
    Path source = scratch.resolve("run-source");
    Path destination = scratch.resolve("run-destination");
    boolean same = work.start() == Start.SAME_REGISTRY;
    Commands.run(List.of("rm", "-rf", source.toString(), destination.toString()));
    switch (work.start()) {
      case EMPTY -> {}
      case DONE -> copy(done(), destination);
      case CHANGED -> copy(changed(), destination);
      case SAME_REGISTRY -> copy(source(), source);
    }
    try (var from = LocalRegistry.logging(same ? source : source(), sourcePort);
        var to = same ? from : LocalRegistry.logging(destination, destinationPort);
        var fromLink = SlowLink.open(link, sourcePort);
        var toLink = same ? fromLink : SlowLink.open(link, destinationPort)) {
      var job =
          new CopyJob(
              "127.0.0.1:" + fromLink.port(),
              "127.0.0.1:" + toLink.port() + "/" + PREFIX,
              work.images().repositories,
              work.images().tag);
      CopyFigures figures = measure(tool, job, from, to);
      check(job, same ? source : source(), same ? source : destination);
      return figures;
    } finally {
      Commands.run(List.of("rm", "-rf", source.toString(), destination.toString()));
    }
  }

  private CopyFigures measure(CopyTool tool, CopyJob job, LocalRegistry from, LocalRegistry to)
      throws IOException, InterruptedException {
    Path folder = scratch.resolve("tool");
    Commands.run(List.of("rm", "-rf", folder.toString()));
    List<String> command = tool.prepare(job, Files.createDirectory(folder));
    read(source());
    // What the copying of folders left to write is not the tool's.
    Commands.run(List.of("sync", "-f", scratch.toString()));
    var registries = new HashSet<Long>();
    Collections.addAll(registries, from.pid(), to.pid());
    AccessLog before = requests(from, to);
    long bytesBefore = to.bytes();
    long cpuBefore = cpuMillis(registries);
    var taken = Stopwatch.measure(command, OptionalLong.empty(), registries);
    long registryCpu = cpuMillis(registries) - cpuBefore;
    AccessLog requests = requests(from, to).minus(before);
    return new CopyFigures(
        taken.wallMillis(),
        taken.cpuMillis(),
        taken.peakBytes(),
        registryCpu,
        requests.requests(),
        requests.blobsSent(),
        requests.bytes(),
        to.bytes() - bytesBefore);
  }

  private static long cpuMillis(Set<Long> processes) throws IOException {
    long millis = 0;
    for (long process : processes) {
      millis += ProcFs.cpuMillis(process);
    }
    return millis;
  }

  private static AccessLog requests(LocalRegistry from, LocalRegistry to) throws IOException {
    return from == to ? from.requests() : from.requests().plus(to.requests());
  }

  /** So that the source's disk is not measured. */
  private static void read(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        if (file.endsWith("data")) {
          try (InputStream in = Files.newInputStream(file)) {
            in.transferTo(OutputStream.nullOutputStream());
          }
        }
      }
    }
  }

  private static void check(CopyJob job, Path source, Path destination) throws IOException {
    for (String repository : job.repositories()) {
      var wanted = tags(source.resolve(REPOSITORIES).resolve(repository));
      var found = tags(destination.resolve(REPOSITORIES).resolve(PREFIX).resolve(repository));
      job.tag().ifPresent(tag -> wanted.keySet().removeIf(each -> !each.equals(tag)));
      if (!wanted.equals(found)) {
        throw new IOException(
            "%s: its tags are %s at the source and %s in the copy"
                .formatted(repository, wanted, found));
      }
    }
  }

  /** The digest of each tag, as the registry's folder has it. */
  private static TreeMap<String, String> tags(Path repository) throws IOException {
    var tags = new TreeMap<String, String>();
    Path folder = repository.resolve("_manifests/tags");
    if (Files.isDirectory(folder)) {
      try (Stream<Path> all = Files.list(folder)) {
        for (Path tag : (Iterable<Path>) all::iterator) {
          tags.put(
              Objects.toString(tag.getFileName()),
              Files.readString(tag.resolve("current/link")).strip());
        }
      }
    }
    return tags;
  }
}
