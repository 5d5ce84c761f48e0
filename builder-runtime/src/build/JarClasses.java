import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.ConstantPoolSharingOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/** The classes of a jar, to be changed in place. What they extend must be on the class path. */
final class JarClasses {
  /** Makes a class of one, or returns null for one that stays as it is. */
  @FunctionalInterface
  interface Change {
    byte[] of(ClassFile format, ClassModel model);
  }

  private JarClasses() {}

  /** Of a jar in which no class changes, nothing does. */
  static void change(Path jar, Change change) throws IOException {
    Map<JarEntry, byte[]> entries = read(jar);
    ClassFile format = format();
    boolean changed = false;
    for (var entry : entries.entrySet()) {
      if (entry.getKey().getName().endsWith(".class")) {
        byte[] content = change.of(format, format.parse(entry.getValue()));
        if (content != null) {
          entry.setValue(content);
          changed = true;
        }
      }
    }
    if (changed) {
      write(jar, entries);
    }
  }

  private static Map<JarEntry, byte[]> read(Path jar) throws IOException {
    Map<JarEntry, byte[]> entries = new LinkedHashMap<>();
    try (JarFile file = new JarFile(jar.toFile())) {
      for (JarEntry entry : Collections.list(file.entries())) {
        try (InputStream content = file.getInputStream(entry)) {
          entries.put(entry, content.readAllBytes());
        }
      }
    }
    return entries;
  }

  /** Stack maps need to know which class is whose superclass: the class path's, and the JDK's. */
  private static ClassFile format() {
    return ClassFile.of(
        StackMapsOption.GENERATE_STACK_MAPS,
        // Else code is copied as it is, without the maps.
        ConstantPoolSharingOption.NEW_POOL,
        ClassHierarchyResolverOption.of(
            ClassHierarchyResolver.ofResourceParsing(ClassLoader.getSystemClassLoader())));
  }

  private static void write(Path jar, Map<JarEntry, byte[]> entries) throws IOException {
    Path unfinished = jar.resolveSibling(jar.getFileName() + ".new");
    try (OutputStream file = Files.newOutputStream(unfinished);
        JarOutputStream out = new JarOutputStream(file)) {
      for (var entry : entries.entrySet()) {
        JarEntry copy = new JarEntry(entry.getKey().getName());
        copy.setTime(entry.getKey().getTime());
        out.putNextEntry(copy);
        out.write(entry.getValue());
        out.closeEntry();
      }
    }
    Files.move(unfinished, jar, StandardCopyOption.REPLACE_EXISTING);
  }
}
