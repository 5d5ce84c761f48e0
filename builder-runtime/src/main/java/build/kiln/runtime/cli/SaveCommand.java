package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.DockerArchive;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.LocalStore.Tagged;
import build.kiln.runtime.store.NamedImage;
import build.kiln.runtime.store.OciArchive;
import build.kiln.runtime.transport.ImageTransfer;
import build.kiln.runtime.transport.Moved;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/** {@code kiln save}. */
final class SaveCommand extends ImageCommand {
  /** Kinds of archives. */
  enum Format {
    docker,
    oci
  }

  private List<String> images = List.of();
  private @Nullable Path file;
  private Format format = Format.docker;
  private boolean gzip;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Writes images of the local store into one archive, which docker load and kiln load take.",
            "kiln save -o app.tar app:1 base:2")
        .parameters("IMAGE", "A name, or the start of a digest.", values -> images = values)
        .option(
            "-o, --output=FILE",
            "Where to; compressed if it ends in .gz or .tgz. Default: standard output.",
            text -> file = Path.of(text))
        .choice(
            "--format=KIND",
            "docker (which is also an OCI layout) or oci. Default: docker.",
            Format.class,
            value -> format = value)
        .flag("--gzip", "Compress it.", on -> gzip = on);
  }

  @Override
  void run(Engine engine, Desk desk) throws CommandFailure, IOException {
    if (file == null && System.console() != null && System.console().isTerminal()) {
      throw CommandFailure.usage("an archive is not for a terminal: give -o FILE, or redirect");
    }
    LocalStore store = engine.store();
    List<NamedImage> all = named(store);
    var transfer =
        new ImageTransfer(engine.registry(), store, new LocalNames(store), null, new Moved());
    for (NamedImage image : all) {
      transfer.complete(image.root());
    }
    if (file == null) {
      write(store, all, new BufferedOutputStream(System.out, 1 << 18), gzip);
      if (System.out.checkError()) {
        throw new IOException("standard output does not take the archive");
      }
    } else {
      toFile(store, all, file);
    }
  }

  private void toFile(LocalStore store, List<NamedImage> all, Path target)
      throws CommandFailure, IOException {
    if (Files.isDirectory(target)) {
      throw CommandFailure.usage(target + " is a folder; name a file");
    }
    boolean compress = gzip || target.toString().matches(".*\\.(gz|tgz)");
    Path real = target.toAbsolutePath();
    Path temp = real.resolveSibling("." + real.getFileName() + "." + ProcessHandle.current().pid());
    try {
      try (var out = new BufferedOutputStream(Files.newOutputStream(temp), 1 << 18)) {
        write(store, all, out, compress);
      }
      Files.move(temp, real, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temp);
    }
  }

  private void write(LocalStore store, List<NamedImage> all, OutputStream out, boolean compress)
      throws IOException {
    if (compress) {
      var zipped = new GZIPOutputStream(out, 1 << 16);
      write(store, all, zipped, false);
      zipped.finish();
      out.flush();
      return;
    }
    switch (format) {
      case docker -> DockerArchive.write(store, all, out);
      case oci -> OciArchive.write(store, all, out);
    }
    out.flush();
  }

  /** As docker: a name stands for itself, the start of a digest has none. */
  private List<NamedImage> named(LocalStore store) throws CommandFailure, IOException {
    Map<Descriptor, List<Reference>> all = new LinkedHashMap<>();
    List<Tagged> tagged = store.list();
    for (String text : images) {
      Descriptor image = new LocalImages(store).descriptor(text);
      List<Reference> names =
          all.computeIfAbsent(
              Descriptor.of(image.mediaType(), image.digest(), image.size()),
              ignored -> new ArrayList<>());
      for (Tagged each : tagged) {
        boolean asked =
            !text.matches("(sha256:)?[0-9a-f]{4,64}") && each.name().equals(LocalImages.name(text));
        if (asked && !names.contains(each.name())) {
          names.add(each.name());
        }
      }
    }
    return all.entrySet().stream().map(e -> NamedImage.of(e.getKey(), e.getValue())).toList();
  }
}
