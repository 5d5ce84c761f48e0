package build.kiln.runtime.cli;

import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.ImageArchive;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code kiln load}. */
final class LoadCommand extends StoreCommand {
  private @Nullable Path file;
  private boolean quiet;

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Brings the images of an archive into the local store, under their names: one that docker,",
            "podman or kiln saved, or an OCI layout in a tar; compressed or not.")
        .option(
            "-i, --input=FILE",
            "The archive. Default: standard input.",
            text -> file = Path.of(text))
        .flag("-q, --quiet", "Print the images' digests only.", on -> quiet = on);
  }

  @Override
  void run(LocalStore store) throws CommandFailure, IOException {
    if (file == null && System.console() != null && System.console().isTerminal()) {
      throw CommandFailure.usage("an archive is not typed: give -i FILE, or redirect");
    }
    if (file != null && !Files.exists(file)) {
      throw CommandFailure.usage("there is no file " + file);
    }
    Path folder = store.scratch("archive");
    List<ImageArchive.Image> images;
    try (InputStream in = file == null ? System.in : Files.newInputStream(file)) {
      String what = file == null ? "standard input" : file.toString();
      images = ImageArchive.open(in, folder, what).load(store);
    }
    for (ImageArchive.Image image : images) {
      List<Reference> names = names(image);
      for (Reference name : names) {
        store.tag(name, image.root());
      }
      if (names.isEmpty()) {
        store.keepImage(image.root());
      }
      if (quiet || names.isEmpty()) {
        System.out.println(
            quiet ? image.root().digest() : "Loaded image: " + image.root().digest());
      } else {
        names.forEach(name -> System.out.println("Loaded image: " + name));
      }
    }
  }

  /** A layout may name an image by a tag alone, which is no name, or by a whole one. */
  private static List<Reference> names(ImageArchive.Image image) {
    List<Reference> names = new ArrayList<>();
    image.names().forEach(name -> names.add(name.withDefaultTag()));
    String tag = image.tag().orElse("");
    if (names.isEmpty() && (tag.indexOf('/') >= 0 || tag.indexOf(':') >= 0)) {
      try {
        names.add(Reference.parse(tag).withDefaultTag());
      } catch (OciException e) {
        // Then it is known by its digest.
      }
    }
    return names;
  }
}
