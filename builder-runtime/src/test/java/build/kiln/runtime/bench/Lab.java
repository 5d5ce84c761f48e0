package build.kiln.runtime.bench;

import build.kiln.runtime.bench.Workload.Start;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Prepares disks and does builds on copies of them. A disk has the context, the builder's state and
 * the registry's data; every build starts from the same blocks.
 */
final class Lab {
  private static final String IMAGE = "bench/app";
  private static final String TAG = "1";
  private static final String CACHE = "bench/cache:1";

  private final Path scratch;
  private final int port;

  Lab(Path scratch) throws IOException {
    this.scratch = scratch;
    this.port = LocalRegistry.freePort();
  }

  /** The base image's name. */
  String base() {
    return site(Path.of("")).image(Base.NAME);
  }

  private Site site(Path disk) {
    return new Site(disk, port);
  }

  private Path baseImage() {
    return scratch.resolve("base.img");
  }

  private Disk mount(Path image) throws IOException, InterruptedException {
    return Disk.mount(image, scratch.resolve("disk"));
  }

  /**
   * Makes the disk whose registry has the base, which all others are copies of.
   *
   * @param image what to take as the base, if it is not to be made
   */
  void makeBase(KilnContender kiln, Optional<String> image)
      throws IOException, InterruptedException {
    Disk.create(baseImage());
    try (Disk disk = mount(baseImage())) {
      Site site = site(disk.folder());
      try (var registry = LocalRegistry.start(site.registryData(), port)) {
        if (image.isPresent()) {
          kiln.mirror(image.get(), site);
        } else {
          Base.write(site.context());
          build(kiln, site, BuildJob.push(site.context(), site.image(Base.NAME)));
        }
      }
      Commands.run(List.of("rm", "-rf", site.context().toString(), site.state().toString()));
    }
  }

  /** Makes the disk from which a builder starts. */
  Path prepare(Workload workload, Contender builder) throws IOException, InterruptedException {
    Path image = scratch.resolve("prepared-" + builder.name() + ".img");
    Disk.copy(baseImage(), image);
    try (Disk disk = mount(image)) {
      Site site = site(disk.folder());
      Files.createDirectories(site.context());
      workload.context().write(site.context());
      try (var registry = LocalRegistry.start(site.registryData(), port)) {
        before(workload.start(), builder, site);
      }
      workload.change().write(site.context());
    }
    return image;
  }

  private void before(Start start, Contender builder, Site site)
      throws IOException, InterruptedException {
    switch (start) {
      case EMPTY, VERSION -> {}
      case BASE, FIRST_STEP -> useBase(builder, site);
      case BUILT ->
          build(builder, site, BuildJob.push(site.context(), site.image(IMAGE + ":" + TAG)));
      case CACHE -> {
        var job = BuildJob.push(site.context(), site.image("bench/first:1"));
        build(builder, site, job.withCacheTo(site.image(CACHE)));
        Commands.run(List.of("rm", "-rf", site.state().toString()));
      }
    }
  }

  /** So that it is pulled and unpacked. */
  private void useBase(Contender builder, Site site) throws IOException, InterruptedException {
    Path context = Files.createDirectories(site.disk().resolve("use-base"));
    Bytes.write(context.resolve("Dockerfile"), "FROM " + base() + "\nRUN true\n", Bytes.OLD);
    build(builder, site, BuildJob.local(context, site.image("bench/use:1")));
  }

  private static void build(Contender builder, Site site, BuildJob job)
      throws IOException, InterruptedException {
    try (var ready = builder.ready(site)) {
      Commands.run(ready.command(job));
    }
  }

  /**
   * What a build took, and what it pushed.
   *
   * @param files empty if nobody asked
   */
  record Run(Figures figures, Map<String, String> files) {}

  /**
   * Builds once, on a copy of the prepared disk.
   *
   * @param look whether to read the pushed image
   */
  Run run(Workload workload, Contender builder, Path prepared, boolean look)
      throws IOException, InterruptedException {
    if (workload.start() == Start.VERSION) {
      var taken = Stopwatch.measure(builder.versionCommand(), OptionalLong.empty(), Set.of());
      return new Run(
          new Figures(taken.wallMillis(), taken.cpuMillis(), taken.peakBytes(), 0), Map.of());
    }
    Path image = scratch.resolve("run.img");
    Disk.copy(prepared, image);
    try (Disk disk = mount(image)) {
      Site site = site(disk.folder());
      read(site.context());
      try (var registry = LocalRegistry.start(site.registryData(), port);
          var ready = builder.ready(site)) {
        // What the copying left to write is not the build's.
        Commands.run(List.of("sync", "-f", scratch.toString()));
        var job = BuildJob.push(site.context(), site.image(IMAGE + ":" + TAG));
        if (workload.start() == Start.CACHE) {
          job = job.withCacheFrom(site.image(CACHE));
        }
        long before = registry.bytes();
        var taken = Stopwatch.measure(ready.command(job), ready.daemon(), Set.of(registry.pid()));
        boolean toFirstStep = workload.start() == Start.FIRST_STEP;
        if (toFirstStep && Double.isNaN(taken.firstStepMillis())) {
          throw new IOException(builder.name() + " did not show what the first step printed");
        }
        var figures =
            new Figures(
                toFirstStep ? taken.firstStepMillis() : taken.wallMillis(),
                taken.cpuMillis(),
                taken.peakBytes(),
                registry.bytes() - before);
        return new Run(figures, look ? PushedImage.files(port, IMAGE, TAG) : Map.of());
      }
    } finally {
      Files.delete(image);
    }
  }

  /** A context that has just been written or checked out is in memory. */
  private static void read(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        if (Files.isRegularFile(file)) {
          try (InputStream in = Files.newInputStream(file)) {
            in.transferTo(OutputStream.nullOutputStream());
          }
        }
      }
    }
  }
}
