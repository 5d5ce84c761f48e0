package build.kiln.runtime.node;

import build.kiln.runtime.cri.Cri;
import build.kiln.runtime.cri.CriContainer;
import build.kiln.runtime.cri.CriException;
import build.kiln.runtime.cri.CriException.Code;
import build.kiln.runtime.cri.CriImage;
import build.kiln.runtime.node.NodeInventory.Use;
import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Asks a node's runtime what is on the node. */
final class NodeLook {
  /** How CRI-O, which tells its configuration in TOML, names the image. */
  private static final Pattern TOML =
      Pattern.compile("(?m)^\\s*(?:pause_image|sandbox_image)\\s*=\\s*\"([^\"\n]+)\"");

  private final Cri cri;

  /** What containers mount does not change. */
  private final Map<String, List<String>> volumes = new HashMap<>();

  NodeLook(Cri cri) {
    this.cri = cri;
  }

  /** Images first: what uses one that comes later is not missed by that. */
  NodeInventory now() throws IOException {
    var images = cri.images();
    return new NodeInventory(cri.runtime(), images, uses(), sandboxImages());
  }

  /** One image as lists have it: a runtime may tell other names to who asks for one image only. */
  Optional<CriImage> image(String id) throws IOException {
    return NodeInventory.once(cri.images()).stream()
        .filter(image -> image.id().equals(id))
        .findFirst();
  }

  /** What containers use, whether they run or not. */
  List<Use> uses() throws IOException {
    List<Use> uses = new ArrayList<>();
    for (CriContainer container : cri.containers()) {
      String by = container.name() + " (" + container.state() + ")";
      container.images().forEach(image -> uses.add(new Use(image, by)));
      for (String image : volumes(container.id())) {
        uses.add(new Use(image, "a volume of " + by));
      }
    }
    return uses;
  }

  private List<String> volumes(String container) throws IOException {
    List<String> known = volumes.get(container);
    if (known == null) {
      known = orGone(cri::imageVolumes, container, this::containerIds, List.of());
      volumes.put(container, known);
    }
    return known;
  }

  private List<String> containerIds() throws IOException {
    return cri.containers().stream().map(CriContainer::id).toList();
  }

  /** A question about one thing. */
  @FunctionalInterface
  private interface Question<T> {
    T ask(String id) throws IOException;
  }

  /** A list of what is there. */
  @FunctionalInterface
  private interface Ids {
    List<String> list() throws IOException;
  }

  /** cri-dockerd has no word for what is gone: any refusal may mean that, so the list decides. */
  private static <T> T orGone(Question<T> question, String id, Ids there, T gone)
      throws IOException {
    try {
      return question.ask(id);
    } catch (CriException e) {
      if (e.code() == Code.REFUSED && !there.list().contains(id)) {
        return gone;
      }
      throw e;
    }
  }

  private Set<String> sandboxImages() throws IOException {
    Set<String> images = new HashSet<>();
    cri.info().values().forEach(text -> configured(text, images));
    for (String sandbox : cri.sandboxes()) {
      orGone(cri::sandboxInfo, sandbox, cri::sandboxes, Map.<String, String>of())
          .values()
          .forEach(text -> add(json(text).path("image").asText(""), images));
    }
    return images;
  }

  /** containerd's older configuration has a field of its own, the newer one lists pinned images. */
  static void configured(String text, Set<String> to) {
    JsonNode json = json(text);
    json.findValues("sandboxImage").forEach(image -> add(image.asText(""), to));
    for (String field : List.of("pinnedImages", "pinned_images")) {
      json.findValues(field).forEach(pinned -> pinned.forEach(image -> add(image.asText(""), to)));
    }
    // CRI-O's is a text in JSON.
    Matcher toml = TOML.matcher(json.isTextual() ? json.asText() : text);
    while (toml.find()) {
      add(toml.group(1), to);
    }
  }

  private static void add(String image, Set<String> to) {
    if (!image.isEmpty()) {
      to.add(image);
    }
  }

  /** What is not JSON has no fields. */
  private static JsonNode json(String text) {
    try {
      return Json.mapper().readTree(text);
    } catch (JsonProcessingException e) {
      return Json.mapper().missingNode();
    }
  }
}
