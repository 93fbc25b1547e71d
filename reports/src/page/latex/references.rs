//! References: the paper, this program, and where the data come from.

use super::super::Section;

const PAPER: &str = "@inproceedings{zaheer2022generative,
  title = {Generative Cooperative Learning for Unsupervised Video Anomaly Detection},
  author = {Zaheer, M. Zaigham and Mahmood, Arif and Khan, M. Haris and Segu, Mattia and Yu, Fisher and Lee, Seung-Ik},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages = {14744--14754},
  year = {2022}
}
";

/// What a data set's name contains, and what its authors ask to be cited.
const DATA: [(&str, &str); 4] = [
    ("ucf-crime", "@inproceedings{sultani2018real,
  title = {Real-World Anomaly Detection in Surveillance Videos},
  author = {Sultani, Waqas and Chen, Chen and Shah, Mubarak},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages = {6479--6488},
  year = {2018}
}
"),
    ("shanghaitech", "@inproceedings{luo2017revisit,
  title = {A Revisit of Sparse Coding Based Anomaly Detection in Stacked {RNN} Framework},
  author = {Luo, Weixin and Liu, Wen and Gao, Shenghua},
  booktitle = {Proceedings of the IEEE International Conference on Computer Vision (ICCV)},
  pages = {341--349},
  year = {2017}
}
@inproceedings{zhong2019graph,
  title = {Graph Convolutional Label Noise Cleaner: Train a Plug-and-Play Action Classifier for Anomaly Detection},
  author = {Zhong, Jia-Xing and Li, Nannan and Kong, Weijie and Liu, Shan and Li, Thomas H. and Li, Ge},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages = {1237--1246},
  year = {2019}
}
"),
    ("ped2", "@inproceedings{mahadevan2010anomaly,
  title = {Anomaly Detection in Crowded Scenes},
  author = {Mahadevan, Vijay and Li, Weixin and Bhalodia, Viral and Vasconcelos, Nuno},
  booktitle = {Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages = {1975--1981},
  year = {2010}
}
"),
    ("xd-violence", "@inproceedings{wu2020not,
  title = {Not only Look, but also Listen: Learning Multimodal Violence Detection under Weak Supervision},
  author = {Wu, Peng and Liu, Jing and Shi, Yujia and Sun, Yujia and Shao, Fangtao and Wu, Zhaoyang and Yang, Zhiwei},
  booktitle = {Proceedings of the European Conference on Computer Vision (ECCV)},
  pages = {322--339},
  year = {2020}
}
"),
];

pub(super) fn references(sections: &[Section<'_>]) -> String {
    let version = sections
        .first()
        .map_or("", |section| section.results.version.as_str());
    let mut text = format!(
        "{PAPER}@misc{{gclsweep,\n  title = {{gcl-sweep: distributed experiment sweeps of Generative Cooperative Learning}},\n  author = {{{{The developers of gcl-sweep}}}},\n  note = {{{version}}}\n}}\n"
    );
    for (name, entry) in DATA {
        let is_used = |section: &Section<'_>| {
            section
                .datasets
                .iter()
                .any(|dataset| dataset.name.contains(name))
        };
        if sections.iter().any(is_used) {
            text += entry;
        }
    }
    text
}
