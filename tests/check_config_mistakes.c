/*
 * Mistakes in a configuration: every error by its exact text, which names the line and the remedy.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/schema.h"
#include "tests/config_file.h"

/* What is written, and what must be said behind "FILE:" to the byte. */
static const struct {
    const char *text, *error;
} mistakes[] = {
    /* keys */
    {"\nstream train {\n bacth = 1\n}",
     "3: unknown key \"bacth\" in stream \"train\"; did you mean \"batch\"?"},
    {"worker = 1", "1: unknown key \"worker\"; did you mean \"workers\"?"},
    {"steam train {\n}", "1: unknown key \"steam\"; did you mean \"stream\"?"},
    {"stream a {\n mix {\n  alhpa = 1\n }\n}",
     "3: unknown key \"alhpa\" in a mix section; did you mean \"alpha\"?"},
    {"zebra = 1", "1: unknown key \"zebra\"; stokerd.conf(5) lists them all"},
    {"batch = 1", "1: unknown key \"batch\"; it belongs inside a stream"},
    {"stream a {\n alpha = 1\n}",
     "2: unknown key \"alpha\" in stream \"a\"; it belongs inside the mix section of a stream"},
    {"stream a {\n mix { workers = 1 }\n}",
     "2: unknown key \"workers\" in a mix section; it belongs outside of the streams"},
    {"an_unknown_key_that_is_longer_than_any = 1",
     "1: unknown key \"an_unknown_key_that_is_longer_than_any\"; stokerd.conf(5) lists them all"},
    {"workers = 1\nworkers = 1", "2: \"workers\" is set twice; keep one"},
    {"stream a {\n size = {1, 2}\n size = {1, 2}\n}", "3: \"size\" is set twice; keep one"},

    /* values */
    {"stream a {\n source = @\n batch = 100000\n}", "3: \"batch\" is 100000; it must be 1 .. 8192"},
    {"stream a { batch = 0 }", "1: \"batch\" is 0; it must be 1 .. 8192"},
    {"stream a { batch = -1 }", "1: \"batch\" is -1; it must be 1 .. 8192"},
    {"stream a { batch = 4294967297 }", "1: \"batch\" is 4294967297; it must be 1 .. 8192"},
    {"stream a { batch = 99999999999999999999 }",
     "1: \"batch\" is 99999999999999999999; it must be 1 .. 8192"},
    {"stream a { batch = lots }", "1: \"batch\" is \"lots\"; it must be 1 .. 8192"},
    {"stream a { batch = 0x10 }", "1: \"batch\" is \"0x10\"; it must be 1 .. 8192"},
    {"stream a { batch = 1.5 }", "1: \"batch\" is \"1.5\"; it must be 1 .. 8192"},
    {"stream a { batch = \"\" }", "1: \"batch\" is \"\"; it must be 1 .. 8192"},
    {"stream a { batch = 1K }", "1: \"batch\" is \"1K\"; it must be 1 .. 8192"},
    {"stream a { seed = 18446744073709551616 }",
     "1: \"seed\" is 18446744073709551616; it must be 0 .. 18446744073709551615"},
    {"stream a { seed = -1 }", "1: \"seed\" is -1; it must be 0 .. 18446744073709551615"},
    {"stream a { size = 8193 }", "1: \"size\" is 8193; it must be 1 .. 8192"},
    {"stream a { size = {224,\n 0} }", "2: \"size\" is 0; it must be 1 .. 8192"},
    {"stream a { resize { side = 0 } }", "1: \"side\" is 0; it must be 1 .. 8192"},
    {"stream a { pad_crop { padding = 8192 } }", "1: \"padding\" is 8192; it must be 0 .. 8191"},
    {"stream a { pad_crop { fill = {0, 0, 256} } }", "1: \"fill\" is 256; it must be 0 .. 255"},
    {"stream a { random_erasing { mode = pixel } }",
     "1: \"mode\" is \"pixel\"; it must be value or noise"},
    {"stream a { flip { prob = 1.01 } }", "1: \"prob\" is 1.01; it must be 0 .. 1"},
    {"stream a { flip { prob = nan } }", "1: \"prob\" is \"nan\"; it must be 0 .. 1"},
    {"stream a { flip { prob = inf } }", "1: \"prob\" is \"inf\"; it must be 0 .. 1"},
    {"stream a { flip { prob = 0x1p-1 } }", "1: \"prob\" is \"0x1p-1\"; it must be 0 .. 1"},
    {"stream a { flip { prob = 1e999 } }", "1: \"prob\" is 1e999; it must be 0 .. 1"},
    {"stream a { flip { prob = ' 1' } }", "1: \"prob\" is \" 1\"; it must be 0 .. 1"},
    {"stream a { flip { prob = 0,5 } }",
     "1: \",\" is not expected here; write KEY = VALUE, or KEY = {VALUE, VALUE}"},
    {"stream a { random_resized_crop { scale = {0, 1} } }",
     "1: \"scale\" is 0; it must be 1e-06 .. 1"},
    {"stream a { random_resized_crop { ratio = {1, 1001} } }",
     "1: \"ratio\" is 1001; it must be 0.001 .. 1000"},
    {"stream a { std = {1, 0, 1} }", "1: \"std\" is 0; it must be 1e-06 .. 1000"},
    {"stream a { std = {1, -1, 1} }", "1: \"std\" is -1; it must be 1e-06 .. 1000"},
    {"stream a { mean = {1, 1, -1001} }", "1: \"mean\" is -1001; it must be -1000 .. 1000"},
    {"stream a { mix { alpha = 0 } }", "1: \"alpha\" is 0; it must be 0.01 .. 100"},
    {"stream a { order = shuffel }",
     "1: \"order\" is \"shuffel\"; it must be shuffle or sequential"},
    {"stream a { last = keep }", "1: \"last\" is \"keep\"; it must be drop, partial, wrap or mask"},
    {"stream a { sampler = uniform }",
     "1: \"sampler\" is \"uniform\"; it must be all, weighted or balanced"},
    {"stream a { repeat = 0 }", "1: \"repeat\" is 0; it must be 1 .. 64"},
    {"stream a { subset = 0 }", "1: \"subset\" is 0; it must be 1e-09 .. 1"},
    {"stream a { subset = 1.1 }", "1: \"subset\" is 1.1; it must be 1e-09 .. 1"},
    {"stream a { phase { from_epoch = 0 } }", "1: \"from_epoch\" is 0; it must be 1 .. 4294967295"},
    {"stream a { transform = centre_crop }",
     "1: \"transform\" is \"centre_crop\"; it must be random_resized_crop, resize, center_crop, "
     "pad_crop, flip or random_erasing"},
    {"stream a { interpolation = cubic }",
     "1: \"interpolation\" is \"cubic\"; it must be bilinear, bicubic, box, lanczos or nearest"},
    {"stream a { dtype = i32 }", "1: \"dtype\" is \"i32\"; it must be u8, f32, f16 or bf16"},
    {"stream a { layout = NHWC }", "1: \"layout\" is \"NHWC\"; it must be nhwc or nchw"},
    {"stream a { on_corrupt = x }", "1: \"on_corrupt\" is \"x\"; it must be replace or fail"},
    {"stream a { mix { method = cut } }",
     "1: \"method\" is \"cut\"; it must be none, mixup, cutmix or both"},
    {"stream a { mix { preset = keras } }",
     "1: \"preset\" is \"keras\"; it must be fastai, timm, torchvision, paper or fastbook"},
    {"stream a { mix { fold = 1 } }", "1: \"fold\" is \"1\"; it must be no or yes"},
    {"stream a { mix { cutmix_box = ceil } }",
     "1: \"cutmix_box\" is \"ceil\"; it must be floor, round or {minmax, LOW, HIGH} of 0 .. 1"},
    {"stream a { mix { cutmix_box = {minmax, 0.2, 1.1} } }",
     "1: \"cutmix_box\" is 1.1; it must be floor, round or {minmax, LOW, HIGH} of 0 .. 1"},
    {"stream a { mix { cutmix_box = {minmax, 0, 0.5, 1} } }",
     "1: \"cutmix_box\" has 4 values; it must have 1 .. 3"},
    {"log_level = verbose",
     "1: \"log_level\" is \"verbose\"; it must be error, warn, notice, info or debug"},
    {"http = localhost:7655", "1: \"http\" is \"localhost:7655\"; it must be ADDRESS:PORT with an "
                              "address in numbers, such as "
                              "127.0.0.1:7655 or [::1]:7655"},
    {"http = 127.0.0.1:65536",
     "1: \"http\" is \"127.0.0.1:65536\"; it must be ADDRESS:PORT with an address in numbers, such "
     "as 127.0.0.1:7655 or [::1]:7655"},
    {"http = \"[::]:7655\"",
     "1: \"http\" is \"[::]:7655\", which other hosts reach; set http_token to a file with a token "
     "that they must know, or listen on 127.0.0.1"},
    {"http = 10.0.0.5:7655",
     "1: \"http\" is \"10.0.0.5:7655\", which other hosts reach; set http_token to a file with a "
     "token that they must know, or listen on 127.0.0.1"},
    {"http_token = /etc/hostname",
     "1: \"http_token\" means nothing without \"http\"; remove it, or set http = 127.0.0.1:7655"},
    {"http = 127.0.0.1:7655 http_token = /nowhere",
     "1: token file \"/nowhere\" cannot be read: No such file or directory"},
    {"workers = 1025", "1: \"workers\" is 1025; it must be 0 .. 1024"},
    {"readers = 0", "1: \"readers\" is 0; it must be 1 .. 256"},
    {"memory_max = 16777217T", "1: \"memory_max\" is 16777217T; it must be 0 .. 16T"},
    {"memory_max = 2g", "1: \"memory_max\" is \"2g\"; it must be 0 .. 16T"},
    {"memory_max = 2GB", "1: \"memory_max\" is \"2GB\"; it must be 0 .. 16T"},
    {"memory_max = 1.5G", "1: \"memory_max\" is \"1.5G\"; it must be 0 .. 16T"},
    {"memory_max = G", "1: \"memory_max\" is \"G\"; it must be 0 .. 16T"},
    {"client_timeout = 5", "1: \"client_timeout\" is \"5\"; it must be 0 .. 24h"},
    {"client_timeout = 5M", "1: \"client_timeout\" is \"5M\"; it must be 0 .. 24h"},
    {"client_timeout = 25h", "1: \"client_timeout\" is 25h; it must be 0 .. 24h"},
    {"memory_max = 5s", "1: \"memory_max\" is \"5s\"; it must be 0 .. 16T"},
    {"image_bytes_max = 2G", "1: \"image_bytes_max\" is 2G; it must be 1K .. 1G"},
    {"image_pixels_max = 0", "1: \"image_pixels_max\" is 0; it must be 1 .. 4294836225"},

    /* lists */
    {"stream a { mean = 0.5 }", "1: \"mean\" has 1 value; it must have 3"},
    {"stream a { std = {1, 1} }", "1: \"std\" has 2 values; it must have 3"},
    {"stream a { random_erasing { scale = {0.1, 0.2, 0.3} } }",
     "1: \"scale\" has 3 values; it must have 2"},
    {"stream a { resize { side = {1, 2, 3} } }", "1: \"side\" has 3 values; it must have 1 .. 2"},
    {"stream a { transform = {flip, flip, flip, flip, flip, flip, flip} }",
     "1: \"transform\" has 7 values; it must have 1 .. 6"},
    {"stream a { size = {1, 2, 3} }", "1: \"size\" has 3 values; it must have 1 .. 2"},
    {"workers = {1, 2}", "1: \"workers\" has 2 values; it must have 1"},
    {"listen = {}", "1: an empty list; give it a value, or remove the setting"},
    {"listen = {a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a}",
     "1: \"listen\" has 17 values; it must have 1 .. 16"},

    /* endpoints */
    {"listen = udp://a:1", "1: \"listen\" has \"udp://a:1\"; it must be tcp://HOST:PORT or "
                           "ipc:///PATH"},
    {"listen = {tcp://a:1,\n tcp://a}",
     "2: \"listen\" has \"tcp://a\"; it must be tcp://HOST:PORT or ipc:///PATH"},
    {"listen = tcp://:1", "1: \"listen\" has \"tcp://:1\"; it must be tcp://HOST:PORT or "
                          "ipc:///PATH"},
    {"listen = tcp://a:0", "1: \"listen\" has \"tcp://a:0\"; it must be tcp://HOST:PORT or "
                           "ipc:///PATH"},
    {"listen = tcp://a:65536", "1: \"listen\" has \"tcp://a:65536\"; it must be tcp://HOST:PORT or "
                               "ipc:///PATH"},
    {"listen = tcp://::1:7654", "1: \"listen\" has \"tcp://::1:7654\"; it must be "
                                "tcp://HOST:PORT or ipc:///PATH"},
    {"listen = ipc://relative", "1: \"listen\" has \"ipc://relative\"; it must be "
                                "tcp://HOST:PORT or ipc:///PATH"},
    {"listen = ipc://", "1: \"listen\" has \"ipc://\"; it must be tcp://HOST:PORT or ipc:///PATH"},
    {"listen = ipc:///"
     "7890123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
     "56789012345678",
     NULL}, /* 103 bytes: short enough, and then there is no stream */
    {"listen = ipc:///"
     "234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"
     "23456789012345678",
     "1: \"listen\" has a socket path of 108 bytes, "
     "\"/23456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
     "890123456789012345678\"; the system takes at most 107, choose a shorter one"},
    {"listen = \"tcp://a:1 keys=no\"", "1: \"listen\" has \"tcp://a:1 keys=no\"; it must be "
                                       "tcp://HOST:PORT or ipc:///PATH"},
    {"listen = \"tcp://a:1 keys=yes insecure=yes\"",
     "1: \"listen\" has \"tcp://a:1 keys=yes insecure=yes\"; behind tcp there may be keys=yes or "
     "insecure=yes, behind ipc mode=0660 and group=NAME"},
    {"listen = \"tcp://a:1 mode=0660\"",
     "1: \"listen\" has \"tcp://a:1 mode=0660\"; behind tcp there may be keys=yes or insecure=yes, "
     "behind ipc mode=0660 and group=NAME"},
    {"listen = \"ipc:///a mode=0999\"",
     "1: \"listen\" has \"ipc:///a mode=0999\"; behind tcp there may be keys=yes or insecure=yes, "
     "behind ipc mode=0660 and group=NAME"},
    {"listen = \"ipc:///a insecure=yes\"",
     "1: \"listen\" has \"ipc:///a insecure=yes\"; behind tcp there may be keys=yes or "
     "insecure=yes, behind ipc mode=0660 and group=NAME"},
    {"listen = tcp://10.0.0.5:1",
     "1: \"listen\" has \"tcp://10.0.0.5:1\", which needs keys, and there is no \"server_key\"; "
     "make "
     "one with stoker keygen, or write \"tcp://10.0.0.5:1 insecure=yes\" to serve whoever reaches "
     "it"},
    {"listen = tcp://127.evil.org:1",
     "1: \"listen\" has \"tcp://127.evil.org:1\", which needs keys, and there is no "
     "\"server_key\"; make one with stoker keygen, or write \"tcp://127.evil.org:1 insecure=yes\" "
     "to serve whoever reaches it"},
    {"listen = \"ipc:///a keys=yes\"", "1: \"listen\" has \"ipc:///a keys=yes\", and there is no "
                                       "\"server_key\"; make one with stoker "
                                       "keygen"},
    {"server_key = /nowhere/a",
     "1: \"server_key\": cannot read the key file \"/nowhere/a\": No such "
     "file or directory"},
    {"client_keys = /etc/passwd", "1: \"client_keys\" is \"/etc/passwd\", which is no directory; "
                                  "name the one that has a file NAME.key for each client"},
    {"client_addresses = \"10.0.0.1/8\"",
     "1: \"client_addresses\" is \"10.0.0.1/8\"; it must be networks such as \"10.1.0.0/16 "
     "fd00::/8\", 64 at most"},
    {"listen = {tcp://a:1,\n tcp://a:1}", "1: \"listen\" has \"tcp://a:1\" twice; remove one"},

    /* streams */
    {"", "1: no stream; add one: stream NAME { source = DIRECTORY }"},
    {"# nothing\n\nworkers = 1\n\n# more\n",
     "3: no stream; add one: stream NAME { source = DIRECTORY }"},
    {"stream a { source = @ }\n\nstream a { source = @ }",
     "3: stream \"a\" stands twice; rename one"},
    {"stream 'a b' { source = @ }",
     "1: stream \"a b\" has a name that no URL can hold; use 1 .. 64 of A-Z a-z 0-9 . _ -"},
    {"stream a/b { source = @ }",
     "1: stream \"a/b\" has a name that no URL can hold; use 1 .. 64 of A-Z a-z 0-9 . _ -"},
    {"stream '' { source = @ }",
     "1: stream \"\" has a name that no URL can hold; use 1 .. 64 of A-Z a-z 0-9 . _ -"},
    {"stream a234567890123456789012345678901234567890123456789012345678901234x { source = @ }",
     "1: stream \"a234567890123456789012345678901234567890123456789012345678901234x\" has a name "
     "that no URL can hold; use 1 .. 64 of A-Z a-z 0-9 . _ -"},
    {"\n\nstream a\n{\n\n}", "4: stream \"a\" has no \"source\"; add source = DIRECTORY"},
    {"stream a { source = @\n mix { }\n}\nstream b {\n}",
     "4: stream \"b\" has no \"source\"; add source = DIRECTORY"},
    {"stream a {\n\n source = /nowhere/at/all\n}",
     "3: source \"/nowhere/at/all\" of stream \"a\" cannot be used: No such file or directory"},
    {"stream a { source = folder:/nowhere }",
     "1: source \"/nowhere\" of stream \"a\" cannot be used: No such file or directory"},
    {"stream a { source = '' }",
     "1: source \"\" of stream \"a\" cannot be used: No such file or directory"},
    {"stream a { source = /dev/null }",
     "1: source \"/dev/null\" of stream \"a\" is no directory; name the directory that holds a "
     "sub-directory for each class, or csv:FILE"},
    {"stream a { source = webdataset:/data }",
     "1: unknown kind of source in \"webdataset:/data\"; known are: folder or csv (write ./ before "
     "a path with a colon)"},
    {"stream a { source = fold:/data }",
     "1: unknown kind of source in \"fold:/data\"; known are: folder or csv (write ./ before a "
     "path with a colon)"},

    {"stream a { source = csv:/nowhere.csv }",
     "1: source \"/nowhere.csv\" of stream \"a\" cannot be used: No such file or directory"},
    {"stream a {\n source = csv:/dev }", "2: source \"/dev\" of stream \"a\" is no file"},
    {"stream a { source = csv:/etc/passwd\n root = /etc/passwd }",
     "2: root \"/etc/passwd\" of stream \"a\" is no directory; name the one that the paths of the "
     "csv source start from"},
    {"stream a { source = @\n root = @ }", "2: \"root\" is where the paths of a csv source start; "
                                           "stream \"a\" lists a folder, remove it"},
    {"stream a { source = @\n list = /nowhere.txt }",
     "2: list \"/nowhere.txt\" of stream \"a\" cannot be used: No such file or directory"},
    {"stream a { source = @\n list = /dev }", "2: list \"/dev\" of stream \"a\" is no file"},
    {"stream a { source = @\n index = on }", "2: index \"on\" of stream \"a\" is no file; write "
                                             "auto, off, or the name of one that \"stoker "
                                             "index\" has made"},
    {"stream a { source = @\n index = \"\" }",
     "2: index \"\" of stream \"a\" is no file; write auto, off, or the name of one that \"stoker "
     "index\" has made"},

    /* phases */
    {"stream a {\n source = @\n phase { size = 96 }\n}",
     "1: phase 1 of stream \"a\" has no \"from_epoch\"; say from which epoch on it holds"},
    {"stream a { source = @\n phase { from_epoch = 5\n size = 96 }\n"
     " phase { size = 128\n from_epoch = 5 } }",
     "5: \"from_epoch\" is 5 behind a phase from epoch 5; phases stand in the order of their "
     "epochs"},
    {"stream a { source = @\n phase { from_epoch = 5 size = 96 }\n"
     " phase { from_epoch = 9 size = {96, 96} batch = 64 } }",
     "3: the phase from epoch 9 changes nothing; give it another \"size\" or \"batch\", or remove "
     "it"},
    {"stream a { source = @ transform = {resize, center_crop}\n resize { side = 256 }\n"
     " phase { from_epoch = 5 size = 288 } }",
     "2: \"side\" of resize leaves every picture too small for the 288 x 288 that center_crop "
     "cuts out in a phase, and is the same in all of them; it lacks 32, make it larger or \"size\" "
     "smaller"},
    {"stream a { source = @ size = 32 transform = pad_crop\n pad_crop { padding = 8 }\n"
     " phase { from_epoch = 5 size = 8 } }",
     "2: \"padding\" of pad_crop is 8; it must be below 8, the smaller side of \"size\""},
    {"stream a { source = @\n mix { method = cutmix\n cutmix_box = {minmax, 0.5, 0.6} }\n"
     " phase { from_epoch = 5 size = 1 } }",
     "3: \"cutmix_box\" is {minmax, 0.5, 0.6}, and no whole number of pixels lies between them in "
     "a picture of 1 x 1; set them further apart"},
    {"stream a { source = @\n mix { preset = fastbook }\n phase { from_epoch = 5\n batch = 4097 } "
     "}",
     "4: \"batch\" is 4097; with partner = dataset, which makes two pictures for each sample, it "
     "must be at most 4096"},
    {"stream a { source = @\n phase { seed = 1 } }",
     "2: unknown key \"seed\" in a phase section; it belongs inside a stream"},
    {"stream a { from_epoch = 1 }", "1: unknown key \"from_epoch\" in stream \"a\"; it belongs "
                                    "inside the mix section of a stream"},
    {"stream a { source = @\n mix { }\n phase { from_epoch = 5 size = 96 }\n}\nstream b {\n}",
     "5: stream \"b\" has no \"source\"; add source = DIRECTORY"},

    /* settings that must fit each other */
    {"stream a { source = @\n epoch_samples = 9 }",
     "2: \"epoch_samples\" is 9, but sampler = all takes every sample once; remove it, or set "
     "sampler to weighted or balanced"},
    {"stream a { source = @\n order = sequential\n sampler = balanced }",
     "3: \"sampler\" is balanced, which draws at random; with order = sequential it must be all"},
    {"stream a { source = @\n repeat = 3\n order = sequential }",
     "2: \"repeat\" is 3, which is for augmented training; with order = sequential it must be 1"},
    {"stream a { source = @\n repeat = 3\n last = mask }",
     "2: \"repeat\" is 3, but last = mask counts every sample once; set repeat to 1, or last to "
     "drop, partial or wrap"},
    {"stream a { source = @\n mix { }\n last = mask }",
     "3: \"last\" is mask, which is for evaluation, in a stream that mixes; remove its mix "
     "section, or set last to drop, partial or wrap"},
    {"stream a { source = @\n random_resized_crop { scale = {1, 0.5} } }",
     "2: \"scale\" of random_resized_crop is {1, 0.5}; the smaller number must stand first"},
    {"stream a { source = @\n random_resized_crop {\n ratio = {2, 1} } }",
     "3: \"ratio\" of random_resized_crop is {2, 1}; the smaller number must stand first"},
    {"stream a { source = @\n transform = {resize, random_erasing}\n"
     "random_erasing { ratio = {2, 1} } }",
     "3: \"ratio\" of random_erasing is {2, 1}; the smaller number must stand first"},
    {"stream a { source = @\n transform = flip }",
     "2: \"transform\" has nothing that brings a picture to \"size\"; begin it with "
     "random_resized_crop, resize, center_crop or pad_crop"},
    {"stream a { source = @\n transform = {resize,\n flip, flip} }",
     "2: \"transform\" has \"flip\" twice; remove one"},
    {"stream a { source = @\n transform = {flip, resize} }",
     "2: \"transform\" has \"resize\" behind \"flip\"; crops and resize come first, then flip, "
     "then what changes pixels"},
    {"stream a { source = @\n transform = {resize, random_erasing, flip} }",
     "2: \"transform\" has \"flip\" behind \"random_erasing\"; crops and resize come first, then "
     "flip, then what changes pixels"},
    {"stream a { source = @\n transform = {random_erasing, resize} }",
     "2: \"transform\" has \"resize\" behind \"random_erasing\"; crops and resize come first, then "
     "flip, then what changes pixels"},
    {"stream a { source = @\n transform = {random_resized_crop, center_crop} }",
     "2: \"transform\" has \"center_crop\" behind \"random_resized_crop\", and they exclude each "
     "other; only center_crop or pad_crop can follow, behind resize"},
    {"stream a { source = @\n transform = {center_crop, resize} }",
     "2: \"transform\" has \"resize\" behind \"center_crop\", and they exclude each other; only "
     "center_crop or pad_crop can follow, behind resize"},
    {"stream a { source = @\n transform = {resize, center_crop, pad_crop} }",
     "2: \"transform\" has \"pad_crop\" behind \"center_crop\", and they exclude each other; only "
     "center_crop or pad_crop can follow, behind resize"},
    {"stream a { source = @\n pad_crop { padding = 3 }\n}",
     "2: \"pad_crop\" has a section and does not stand in \"transform\" of stream \"a\"; add it "
     "there, or remove the section"},
    {"stream a { source = @\n transform = resize\n flip { }\n}",
     "3: \"flip\" has a section and does not stand in \"transform\" of stream \"a\"; add it there, "
     "or remove the section"},
    {"stream a { source = @\n transform = resize\n resize { side = 224 }\n}",
     "3: \"side\" of resize has no meaning without a crop behind it, where resize makes \"size\"; "
     "remove it, or add center_crop or pad_crop"},
    {"stream a { source = @\n transform = {resize, center_crop}\n resize { side = 223 } }",
     "3: \"side\" of resize leaves every picture too small for the 224 x 224 that center_crop "
     "cuts out; it lacks 1, make it larger or \"size\" smaller"},
    {"stream a { source = @\n size = 300\n transform = {resize, center_crop} }",
     "3: \"side\" of resize leaves every picture too small for the 300 x 300 that center_crop "
     "cuts out; it lacks 44, make it larger or \"size\" smaller"},
    {"stream a { source = @\n transform = {resize, pad_crop}\n resize { side = {300, 215} } }",
     "3: \"side\" of resize leaves every picture too small for the 224 x 224 that pad_crop cuts "
     "out; it lacks 1, make it larger or \"size\" smaller"},
    {"stream a { source = @\n size = {32, 8}\n transform = pad_crop\n pad_crop { padding = 8 } }",
     "4: \"padding\" of pad_crop is 8; it must be below 8, the smaller side of \"size\""},
    {"stream a { source = @\n transform = {resize, random_erasing}\n"
     "random_erasing { mode = noise\n value = {1, 1, 1} } }",
     "4: \"value\" of random_erasing has no meaning with mode = noise; remove one"},
    {"stream a { source = @\n dtype = f16\n std = {1, 1, 7e-06} }",
     "3: \"mean\" 0.406 and \"std\" 7e-06 make 84857.1 of the value 255; dtype = f16 ends at "
     "65504, make \"std\" larger or choose f32 or bf16"},
    {"stream a { source = @\n dtype = f16\n mean = {0, -1000, 0}\n std = {1, 0.01, 1} }",
     "4: \"mean\" -1000 and \"std\" 0.01 make 100000 of the value 0; dtype = f16 ends at 65504, "
     "make \"std\" larger or choose f32 or bf16"},

    /* grammar */
    {"stream a {\n source = @\n\n", "1: \"{\" is never closed; add a \"}\""},
    {"stream a {\n mix {\n }", "1: \"{\" is never closed; add a \"}\""},
    {"stream a {\n size = {1, 2\n }", "1: \"{\" is never closed; add a \"}\""},
    {"stream a { source = @ }\n}", "2: \"}\" closes nothing; remove it"},
    {"{{\n{{{", "2: \"{\" inside 4 others; close one first"},
    {"workers", "1: the file ends inside a setting; complete it"},
    {"workers =\n\n", "1: the file ends inside a setting; complete it"},
    {"stream\n", "1: the file ends inside a setting; complete it"},
    {"workers 1", "1: \"workers\" has no \"=\"; write KEY = VALUE"},
    {"workers = 1 2", "1: unknown key \"2\"; stokerd.conf(5) lists them all"},
    {"workers = = 2", "1: \"=\" is not expected here; write KEY = VALUE, or KEY = {VALUE, VALUE}"},
    {"listen = {tcp://a:1 tcp://b:1}", "1: \"tcp://b:1\" is not expected here; write KEY = VALUE, "
                                       "or KEY = {VALUE, VALUE}"},
    {"stream {\n}", "1: a stream without a name; write stream NAME {"},
    {"stream = a", "1: a stream without a name; write stream NAME {"},
    {"stream a source = @", "1: \"stream\" is a section and has no \"{\"; open it with one"},
    {"stream a { mix = mixup }", "1: \"mix\" is a section and has no \"{\"; open it with one"},
    {"stream a {\n mix { }\n mix\n { }\n}", "4: \"mix\" stands twice in stream \"a\"; keep one"},
    {"stream a {\n flip { }\n mix { }\n flip {\n prob = 0 }\n}",
     "5: \"flip\" stands twice in stream \"a\"; keep one"},
    {"stream a {\n flip = 0 }", "2: \"flip\" is a section and has no \"{\"; open it with one"},
    {"stream a {\n scale = {0.5, 1} }",
     "2: unknown key \"scale\" in stream \"a\"; it belongs inside the random_resized_crop section "
     "of a stream"},
    {"stream b { source = @\n flip { }\n mix { } }\nstream a {\n flip { }\n}",
     "4: stream \"a\" has no \"source\"; add source = DIRECTORY"},
    {"stream a { source = \"@ \n}", "1: \" is never closed; close the quotes on their line"},
    {"stream a {\n source = 'x", "2: ' is never closed; close the quotes on their line"},
    {"stream a {\n source = \"x\\", "2: \" is never closed; close the quotes on their line"},
    {"workers = 1 /* x\n\n", "1: \"/*\" is never closed; add a \"*/\""},
    {"stream a { source = @#1 }",
     "1: \"#\" starts a comment here; put a value that holds it into quotes"},
    {"stream a { source = @/*.jpg }",
     "1: \"/*\" starts a comment here; put a value that holds it into quotes"},
    {"stream a { source = //nas/data }",
     "1: \"//\" starts a comment here; put a value that holds it into quotes"},
    {"stream a { source = @/a+b }", "1: \"+\" outside of quotes; put the whole value into quotes"},
    {"listen = tcp://*:1",
     "1: \"/*\" starts a comment here; put a value that holds it into quotes"},
    {"stream a { source = @* }", "1: \"*\" outside of quotes; put the whole value into quotes"},
    {"include(x)", "1: \"(\" outside of quotes; put the whole value into quotes"},
    {"listen += tcp://a:1", "1: \"+\" outside of quotes; put the whole value into quotes"},
    {"stream a { source = ${HOME} }",
     "1: \"${\" outside of quotes; variables are not expanded, write the value"},
    {"stream a { source = \"${HOME}\" }",
     "1: \"${\" in double quotes; variables are not expanded, write the value, or \\${ for these "
     "two characters"},
    {"workers = 1\n\x01", "2: control character 0x01; is it a configuration file?"},
    {"stream a { source = \"/x\\n\x1b[2J\" }",
     "1: source \"/x??[2J\" of stream \"a\" cannot be used: No such file or directory"},
};

START_TEST(a_mistake_is_named_by_file_line_and_remedy)
{
    struct config *config = (struct config *)root; /* must become NULL */
    write_file(mistakes[_i].text);
    ck_assert_int_eq(config_open(path, &config, error), STK_CONFIG);
    ck_assert_ptr_null(config);
    size_t len = strlen(path);
    ck_assert_int_eq(strncmp(error, path, len), 0);
    ck_assert_int_eq(error[len], ':');
    const char *expected = mistakes[_i].error != NULL
                               ? mistakes[_i].error
                               : "1: no stream; add one: stream NAME { source = DIRECTORY }";
    ck_assert_str_eq(error + len + 1, expected);
}
END_TEST

START_TEST(no_mistake_reaches_stderr_or_the_next_reading)
{
    char log[PATH_BYTES];
    snprintf(log, sizeof(log), "%s/stderr", root);
    int fd = open(log, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    unlink(log);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct config *config = NULL;
        write_file(mistakes[i].text);
        ck_assert_int_eq(config_open(path, &config, error), STK_CONFIG);
        config = open_text(every_key);
        ck_assert_uint_eq(config->stream_count, 4);
        config_close(&config);
    }
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);
}
END_TEST

START_TEST(the_nearest_key_is_found_by_few_edits)
{
    static const struct {
        enum config_section section;
        const char *name, *nearest;
    } rows[] = {
        {CONFIG_STREAM, "bacth", "batch"},
        {CONFIG_STREAM, "batches", "batch"},
        {CONFIG_STREAM, "Batch", "batch"},
        {CONFIG_STREAM, "sise", "size"},
        {CONFIG_STREAM, "resise", "resize"},
        {CONFIG_STREAM, "transforms", "transform"},
        {CONFIG_TRANSFORMS + TRANSFORM_RANDOM_ERASING, "vlaue", "value"},
        {CONFIG_STREAM, "interpolate", "interpolation"},
        {CONFIG_STREAM, "oncorrupt", "on_corrupt"},
        {CONFIG_STREAM, "sede", "seed"},
        {CONFIG_STREAM, "tsd", "std"}, /* a swap is one edit */
        {CONFIG_STREAM, "zzz", NULL},
        {CONFIG_STREAM, "", NULL},
        {CONFIG_GLOBAL, "max_memory", NULL},
        {CONFIG_GLOBAL, "memry_max", "memory_max"},
        {CONFIG_GLOBAL, "image_pixel_max", "image_pixels_max"},
        {CONFIG_GLOBAL, "image_byte_max", "image_bytes_max"},
        {CONFIG_GLOBAL, "lisent", "listen"},
        {CONFIG_MIX, "metod", "method"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct config_key *key = config_key_nearest(rows[i].section, rows[i].name);
        if (rows[i].nearest == NULL) {
            ck_assert_msg(key == NULL, "%s: %s", rows[i].name, key == NULL ? "" : key->name);
        } else {
            ck_assert_msg(key != NULL, "%s", rows[i].name);
            ck_assert_str_eq(key->name, rows[i].nearest);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("config_mistakes");
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_mistake_is_named_by_file_line_and_remedy, 0,
                        sizeof(mistakes) / sizeof(mistakes[0]));
    tcase_add_test(tests, no_mistake_reaches_stderr_or_the_next_reading);
    tcase_add_test(tests, the_nearest_key_is_found_by_few_edits);
    return suite_run("config_mistakes", tests);
}
