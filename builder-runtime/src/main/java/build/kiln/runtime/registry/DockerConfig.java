package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One docker {@code config.json}, dockerconfigjson or legacy dockercfg, parsed.
 *
 * @param entries what {@code auths} holds, without the empty entries that a credsStore leaves
 * @param helpers {@code credHelpers}: registry to helper name
 * @param store {@code credsStore}: the helper for all other registries
 */
record DockerConfig(List<Entry> entries, Map<String, String> helpers, @Nullable String store) {

  /** A credential and what it is for. */
  record Entry(RegistryPattern pattern, Credential credential) {}

  static final DockerConfig EMPTY = new DockerConfig(List.of(), Map.of(), null);

  DockerConfig {
    entries = List.copyOf(entries);
    helpers = Map.copyOf(helpers);
  }

  /**
   * @param name what the text is, for messages
   * @throws RegistryException if it is not such a file; no part of its text is in the message
   */
  static DockerConfig parse(String name, byte[] text) throws RegistryException {
    JsonNode root = tree(name, text);
    if (!root.isObject()) {
      throw bad(name, "it is not a JSON object", null);
    }
    boolean modern = root.has("auths") || root.has("credHelpers") || root.has("credsStore");
    JsonNode auths = modern ? root.path("auths") : root;
    List<Entry> entries = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : auths.properties()) {
      // A config.json without any login has only settings such as "proxies" at its top.
      if (!modern && !field.getValue().has("auth") && !field.getValue().has("username")) {
        continue;
      }
      Credential credential = credential(name, field.getKey(), field.getValue());
      if (credential != null) {
        entries.add(new Entry(RegistryPattern.parse(field.getKey()), credential));
      }
    }
    Map<String, String> helpers = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : root.path("credHelpers").properties()) {
      helpers.put(RegistryPattern.parse(field.getKey()).host(), field.getValue().asText());
    }
    String store = root.path("credsStore").asText("");
    return new DockerConfig(entries, helpers, store.isEmpty() ? null : store);
  }

  private static JsonNode tree(String name, byte[] text) throws RegistryException {
    try {
      return Json.tree(text);
    } catch (JsonProcessingException e) {
      // Jackson's message quotes the text, which may be a secret; its place is enough.
      String place =
          e.getLocation() == null
              ? ""
              : " (line "
                  + e.getLocation().getLineNr()
                  + ", column "
                  + e.getLocation().getColumnNr()
                  + ")";
      throw bad(name, "it is not valid JSON" + place, null);
    } catch (IOException e) {
      throw bad(name, "it cannot be read", e);
    }
  }

  private static @Nullable Credential credential(String name, String key, JsonNode entry)
      throws RegistryException {
    String user = entry.path("username").asText("");
    String password = entry.path("password").asText("");
    String auth = entry.path("auth").asText("");
    if (!auth.isEmpty()) {
      String decoded = decode(name, key, auth);
      int colon = decoded.indexOf(':');
      if (colon < 0) {
        throw bad(name, "\"auth\" of \"" + key + "\" is not base64 of user:password", null);
      }
      user = decoded.substring(0, colon);
      password = decoded.substring(colon + 1);
    }
    String registryToken = entry.path("registrytoken").asText("");
    if (!registryToken.isEmpty()) {
      return new Credential.RegistryToken(registryToken);
    }
    String identityToken = entry.path("identitytoken").asText("");
    if (!identityToken.isEmpty()) {
      return new Credential.IdentityToken(user, identityToken);
    }
    if (user.indexOf(':') >= 0) {
      throw bad(name, "the user name of \"" + key + "\" has a colon", null);
    }
    return user.isEmpty() ? null : new Credential.Basic(user, password);
  }

  private static String decode(String name, String key, String auth) throws RegistryException {
    try {
      byte[] bytes = Base64.getDecoder().decode(auth.strip());
      String text = new String(bytes, StandardCharsets.UTF_8);
      // Old versions of docker padded the password with NUL bytes.
      return text.replaceAll("\0+$", "");
    } catch (IllegalArgumentException e) {
      throw bad(name, "\"auth\" of \"" + key + "\" is not base64", null);
    }
  }

  private static RegistryException bad(String name, String why, @Nullable Throwable cause) {
    return new RegistryException(
        RegistryException.Code.INVALID,
        "tried to read registry credentials from "
            + name
            + " but "
            + why
            + "; write it as docker login or kubectl create secret docker-registry do",
        cause);
  }
}
