package build.kiln.runtime.cli;

import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.FetchedManifest;
import java.io.IOException;
import java.util.Optional;

/** {@code kiln tag}: in the local store, or in a registry if the image is named as one there. */
final class TagCommand extends ImageCommand {
  private String image = "";
  private String name = "";

  @Override
  public void syntax(Syntax syntax) {
    super.syntax(syntax);
    syntax
        .about(
            "Gives an image one more name: in the local store, or in its registry.",
            "kiln tag app registry.example.com/shop/app:1",
            "kiln tag docker://registry.example.com/shop/app:1 stable")
        .sorted()
        .parameter(
            "IMAGE",
            "A name, or the start of a digest; docker://NAME is in its registry.",
            text -> image = text)
        .parameter("NAME[:TAG]", "The new name; in a registry the tag alone.", text -> name = text);
  }

  @Override
  void run(Engine engine, Desk desk) throws CommandFailure, IOException {
    Optional<Reference> remote = RemoteName.parse(image);
    if (remote.isPresent()) {
      tagInRegistry(engine, remote.get());
      return;
    }
    if (RemoteName.parse(name).isPresent()) {
      throw CommandFailure.usage(
          "an image of the local store gets a name here: kiln tag %s %s, then kiln push"
              .formatted(image, name.replaceFirst("^docker://", "")));
    }
    Reference wanted = LocalImages.name(name);
    if (wanted.digest() != null) {
      throw CommandFailure.usage(name + ": a name to give has no digest");
    }
    engine.store().tag(wanted, new LocalImages(engine.store()).find(image).descriptor());
  }

  private void tagInRegistry(Engine engine, Reference from) throws CommandFailure, IOException {
    Reference to = target(from);
    FetchedManifest manifest = engine.registry().fetchManifest(from);
    engine.registry().pushManifest(to, manifest.bytes(), manifest.descriptor().mediaType());
    System.out.println(to + "@" + manifest.descriptor().digest());
  }

  /** A bare tag, or a whole name of the same repository. */
  private Reference target(Reference from) throws CommandFailure {
    boolean whole = name.indexOf('/') >= 0 || name.indexOf(':') >= 0;
    try {
      Reference to = whole ? RemoteName.of(name) : from.withTag(name);
      if (to.digest() != null) {
        throw CommandFailure.usage(name + ": a name to give has no digest");
      }
      if (!to.name().equals(from.name())) {
        throw CommandFailure.usage(
            "%s is another repository than %s: kiln copy docker://%s docker://%s brings an image there"
                .formatted(to.name(), from.name(), from, to));
      }
      return to;
    } catch (OciException e) {
      throw CommandFailure.usage(String.valueOf(e.getMessage()));
    }
  }
}
