package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.LocalStore.Tagged;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The images of the local store, as people name them. */
final class LocalImages {
  private static final int SHORTEST_ID = 4;

  private final LocalStore store;

  /**
   * An image for one platform.
   *
   * @param names that stand for it
   */
  record LocalImage(
      Descriptor descriptor, Manifest manifest, ImageConfig config, List<Reference> names) {
    LocalImage {
      names = List.copyOf(names);
    }

    /** Of configuration and layers, as they are stored and pushed; in bytes. */
    long size() {
      return manifest.config().size()
          + manifest.layers().stream().mapToLong(Descriptor::size).sum();
    }
  }

  LocalImages(LocalStore store) {
    this.store = store;
  }

  /** Reads a name; without tag and digest it is {@code latest}. */
  static Reference name(String text) throws CommandFailure {
    try {
      return Reference.parse(text).withDefaultTag();
    } catch (OciException e) {
      throw CommandFailure.usage(e.getMessage() == null ? text : e.getMessage());
    }
  }

  /** All that have a name, by their names in order. */
  Map<Tagged, LocalImage> all() throws IOException {
    Map<Tagged, LocalImage> images = new LinkedHashMap<>();
    List<Tagged> tagged = store.list();
    for (Tagged one : tagged) {
      Optional<LocalImage> image = read(one.descriptor(), tagged);
      if (image.isPresent()) {
        images.put(one, image.get());
      }
    }
    return images;
  }

  /**
   * The image of a name, a digest, or the first digits of one.
   *
   * @throws CommandFailure if there is none, or several digests start so
   */
  LocalImage find(String text) throws CommandFailure, IOException {
    Descriptor descriptor = descriptor(text);
    return read(descriptor, store.list())
        .orElseThrow(
            () ->
                new CommandFailure(
                    ExitCode.USER,
                    "%s is %s %s, no image for one platform"
                        .formatted(text, descriptor.mediaType(), descriptor.digest())));
  }

  Descriptor descriptor(String text) throws CommandFailure, IOException {
    List<Tagged> tagged = store.list();
    String digits = text.startsWith("sha256:") ? text.substring("sha256:".length()) : text;
    if (digits.matches("[0-9a-f]{" + SHORTEST_ID + ",64}")) {
      List<Descriptor> found =
          tagged.stream()
              .map(Tagged::descriptor)
              .filter(d -> d.digest().hex().startsWith(digits))
              .distinct()
              .toList();
      if (found.size() > 1) {
        throw new CommandFailure(
            ExitCode.USER,
            "%d images have a digest that starts with %s".formatted(found.size(), digits));
      }
      if (found.size() == 1) {
        return found.getFirst();
      }
    }
    Reference name = name(text);
    Optional<Descriptor> named = store.resolve(name);
    Digest digest = name.digest();
    if (named.isEmpty() && digest != null) {
      named =
          tagged.stream()
              .map(Tagged::descriptor)
              .filter(d -> d.digest().equals(digest))
              .findFirst();
    }
    return named.orElseThrow(
        () ->
            new CommandFailure(
                ExitCode.USER,
                "no image %s in the local store %s; kiln images lists those that are there, kiln pull gets one"
                    .formatted(name, store.root())));
  }

  /** Empty if it is an index, or damaged. */
  private Optional<LocalImage> read(Descriptor descriptor, List<Tagged> tagged) throws IOException {
    if (!MediaTypes.isManifest(descriptor.mediaType()) || !store.has(descriptor)) {
      return Optional.empty();
    }
    try {
      Manifest manifest =
          Json.read(store.read(descriptor), Manifest.JSON, descriptor.digest().toString());
      if (!store.has(manifest.config())) {
        return Optional.empty();
      }
      ImageConfig config =
          Json.read(store.read(manifest.config()), ImageConfig.JSON, "the configuration");
      List<Reference> names =
          tagged.stream()
              .filter(t -> t.descriptor().digest().equals(descriptor.digest()))
              .map(Tagged::name)
              .toList();
      return Optional.of(new LocalImage(descriptor, manifest, config, names));
    } catch (OciException damaged) {
      return Optional.empty();
    }
  }
}
