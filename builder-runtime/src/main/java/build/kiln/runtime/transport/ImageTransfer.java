package build.kiln.runtime.transport;

import build.kiln.runtime.mirror.CopyOptions;
import build.kiln.runtime.mirror.ImageCopier;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.store.DockerArchive;
import build.kiln.runtime.store.ImageArchive;
import build.kiln.runtime.store.ImageTree;
import build.kiln.runtime.store.LayoutFolder;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.NamedImage;
import build.kiln.runtime.store.OciArchive;
import build.kiln.runtime.store.OciLayout;
import build.kiln.runtime.store.StoreException;
import build.kiln.runtime.store.StoreException.Code;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Copies an image from a place to another. From registry to registry nothing touches a disk; else
 * its blobs go through a store, the local one if it is one of the places.
 */
public final class ImageTransfer {
  private final RegistryClient registry;
  private final LocalStore local;
  private final LocalImageNames names;
  private final @Nullable Platform platform;
  private final Moved moved;

  /** Finds images of the local store by what people call them. */
  public interface LocalImageNames {
    /**
     * @throws StoreException NOT_FOUND if there is none
     */
    Descriptor find(String name) throws IOException;

    /** Which repositories have layers of an image that the store lacks. */
    Map<Digest, Reference> origins(Digest image);
  }

  /**
   * @param platform the one to take of an index; null for all of it
   */
  public ImageTransfer(
      RegistryClient registry,
      LocalStore local,
      LocalImageNames names,
      @Nullable Platform platform,
      Moved moved) {
    this.registry = registry;
    this.local = local;
    this.names = names;
    this.platform = platform;
    this.moved = moved;
  }

  /**
   * Makes the destination have the image.
   *
   * @return what it has now
   * @throws StoreException if the image is not there, or the destination cannot hold it
   * @throws build.kiln.runtime.registry.RegistryException by a registry
   */
  public Descriptor copy(ImagePlace from, ImagePlace to) throws IOException {
    if (from instanceof ImagePlace.Registry source
        && to instanceof ImagePlace.Registry destination) {
      return between(registry, source, destination, platform, moved);
    }
    boolean here = from instanceof ImagePlace.Local || to instanceof ImagePlace.Local;
    if (here) {
      return through(local, from, to);
    }
    try (LocalStore passing = LocalStore.open(local.scratch("copy"))) {
      return through(passing, from, to);
    }
  }

  /**
   * From registry to registry, which needs no store.
   *
   * @param platform the one to take of an index; null for all of it
   */
  public static Descriptor between(
      RegistryClient registry,
      ImagePlace.Registry from,
      ImagePlace.Registry to,
      @Nullable Platform platform,
      Moved moved)
      throws IOException {
    Reference pinned = from.name();
    if (platform != null) {
      FetchedManifest manifest = registry.fetchManifest(from.name());
      pinned =
          pinned.withDigest(chosen(manifest.descriptor(), manifest.bytes(), platform).digest());
    }
    return new ImageCopier(registry, registry, CopyOptions.ALL, moved)
        .copyAlone(pinned, to.name())
        .image();
  }

  private Descriptor through(LocalStore store, ImagePlace from, ImagePlace to) throws IOException {
    Descriptor root = fetch(store, from);
    if (from instanceof ImagePlace.Local && !(to instanceof ImagePlace.Registry)) {
      complete(root);
    }
    deliver(store, root, from, to);
    return root;
  }

  /** Fetches what a build left of an image of the local store in its base's registry. */
  public void complete(Descriptor root) throws IOException {
    Map<Digest, Reference> origins = names.origins(root.digest());
    if (!origins.isEmpty()) {
      new RegistryTransfer(registry, local, moved).complete(root, origins);
    }
  }

  /** Brings what is to be copied into a store. */
  private Descriptor fetch(LocalStore store, ImagePlace from) throws IOException {
    return switch (from) {
      case ImagePlace.Local image -> {
        Descriptor root = names.find(image.name());
        yield chosen(root, store.read(root));
      }
      case ImagePlace.Registry image -> {
        FetchedManifest manifest = registry.fetchManifest(image.name());
        Descriptor root = chosen(manifest.descriptor(), manifest.bytes());
        if (!root.digest().equals(manifest.descriptor().digest())) {
          manifest = registry.fetchManifest(image.name().withDigest(root.digest()));
        }
        new RegistryTransfer(registry, store, moved).pull(image.name(), manifest);
        yield plain(manifest.descriptor());
      }
      case ImagePlace.Layout image ->
          fetch(store, OciLayout.open(image.folder(), image.tag(), image.digest()));
      case ImagePlace.OciTar image -> {
        ImageArchive archive = open(store, image.file());
        if (!archive.isLayout()) {
          throw new StoreException(
              Code.INVALID_ARCHIVE,
              image.file() + " is no OCI archive; it may be a docker-archive:");
        }
        yield fetch(store, OciLayout.open(archive.layout(), image.tag(), null));
      }
      case ImagePlace.DockerTar image -> {
        Descriptor root = one(open(store, image.file()).load(store), image);
        yield chosen(root, store.read(root));
      }
    };
  }

  private static ImageArchive open(LocalStore store, Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return ImageArchive.open(in, store.scratch("archive"), file.toString());
    } catch (NoSuchFileException e) {
      throw new StoreException(Code.NOT_FOUND, "there is no file " + file, e);
    }
  }

  private Descriptor fetch(LocalStore store, OciLayout layout) throws IOException {
    Descriptor root = plain(layout.root());
    layout.copy(root, store);
    Descriptor image = chosen(root, store.read(root));
    ImageTree.bring(
        image,
        store,
        (content, isManifest) -> {
          layout.copy(content, store);
          moved.moved(content.size());
        });
    return image;
  }

  private static Descriptor one(List<ImageArchive.Image> images, ImagePlace.DockerTar place)
      throws StoreException {
    Reference wanted = place.name();
    if (wanted == null && images.size() == 1) {
      return images.getFirst().root();
    }
    String there =
        images.stream()
            .flatMap(image -> image.names().stream())
            .map(Reference::toString)
            .collect(Collectors.joining(", "));
    return images.stream()
        .filter(image -> wanted != null && image.names().contains(wanted))
        .findFirst()
        .map(ImageArchive.Image::root)
        .orElseThrow(
            () ->
                new StoreException(
                    Code.NOT_FOUND,
                    wanted == null
                        ? place + " has several images; name one: " + there
                        : place + " has no image of that name; it has " + there));
  }

  /** Without what the place it came from said of it. */
  private static Descriptor plain(Descriptor root) {
    return Descriptor.of(root.mediaType(), root.digest(), root.size());
  }

  private Descriptor chosen(Descriptor root, byte[] bytes) throws StoreException {
    return chosen(root, bytes, platform);
  }

  private static Descriptor chosen(Descriptor root, byte[] bytes, @Nullable Platform platform)
      throws StoreException {
    if (platform == null || !MediaTypes.isIndex(root.mediaType())) {
      return plain(root);
    }
    Index index = Json.read(bytes, Index.JSON, "index " + root.digest());
    return index
        .select(platform)
        .map(ImageTransfer::plain)
        .orElseThrow(
            () ->
                new StoreException(
                    Code.NOT_FOUND,
                    "the index %s has no image for %s; it has %s"
                        .formatted(
                            root.digest(),
                            platform,
                            index.manifests().stream()
                                .map(each -> String.valueOf(each.platform()))
                                .collect(Collectors.joining(", ")))));
  }

  private void deliver(LocalStore store, Descriptor root, ImagePlace from, ImagePlace to)
      throws IOException {
    switch (to) {
      case ImagePlace.Local image ->
          local.tag(Reference.parse(image.name()).withDefaultTag(), root);
      case ImagePlace.Registry image -> {
        Map<Digest, Reference> origins =
            from instanceof ImagePlace.Local ? names.origins(root.digest()) : Map.of();
        new RegistryTransfer(registry, store, moved).push(root, image.name(), origins);
      }
      case ImagePlace.Layout image -> {
        if (image.digest() != null) {
          throw new StoreException(
              Code.UNSUPPORTED, to + ": a digest cannot be given to an image; name a tag or none");
        }
        LayoutFolder.add(store, NamedImage.tagged(root, image.tag()), image.folder());
      }
      case ImagePlace.OciTar image ->
          OciArchive.write(store, List.of(NamedImage.tagged(root, image.tag())), image.file());
      case ImagePlace.DockerTar image -> {
        Reference name = image.name();
        List<Reference> tags = name == null ? List.of() : List.of(name);
        DockerArchive.write(store, List.of(NamedImage.of(root, tags)), image.file());
      }
    }
  }
}
